"""Who is told of alerts: the list, the hours, the ladder, and a test to oneself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from campaigns.domain.errors import InvalidAddress, NotAllowed
from campaigns.models import AlertNotice, OnCall, Staff
from campaigns.queries import clock
from campaigns.services import on_call
from campaigns.services.climb import send_test
from campaigns.services.on_call import Listed
from campaigns.web import access
from campaigns.web.filters import own_name
from campaigns.web.forms import clock_field
from campaigns.web.told import told
from campaigns.web.words import CHANNELS, DUTIES, NOTICE_STATES


class OnCallForm(forms.Form):
    """One person on the list."""

    staff_id = forms.TypedChoiceField(label=_("Who"), coerce=int)
    place = forms.IntegerField(
        label=_("Place on the list"), min_value=1, max_value=99, help_text=_("1 is told first.")
    )
    email = forms.CharField(
        label=_("E-mail for alerts"),
        max_length=254,
        required=False,
        widget=forms.TextInput(attrs={"type": "email", "autocomplete": "off"}),
    )
    phone = forms.CharField(
        label=_("Mobile number for alerts"),
        max_length=40,
        required=False,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "off"}),
        help_text=_("Give both: if one way is down, the other still reaches you."),
    )
    language = forms.ChoiceField(label=_("Language of alerts"))
    when = forms.ChoiceField(label=_("On duty"), choices=list(DUTIES.items()))
    starts = clock_field(_("From"), required=False)
    ends = clock_field(_("To"), required=False)
    is_lead = forms.BooleanField(
        label=_("Lead: is told, on duty or not, when an alert climbs"), required=False
    )

    def __init__(self, staff: Sequence[Staff], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["staff_id"].choices = [(one.pk, one.name) for one in staff]  # type: ignore[attr-defined]
        self.fields["language"].choices = [(tag, own_name(tag)) for tag in on_call.SPOKEN]  # type: ignore[attr-defined]


class LadderForm(forms.Form):
    """Minutes of each step, at most the default."""

    next_person = forms.IntegerField(label=_("Emergency: the next person after"), min_value=1)
    everybody = forms.IntegerField(label=_("Emergency: everybody and the lead after"), min_value=1)
    incident = forms.IntegerField(label=_("Emergency: an incident, everybody again after"), min_value=1)
    urgent = forms.IntegerField(label=_("Urgent: again after, in clinic hours"), min_value=1)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, most in on_call.LIMITS.items():
            field = self.fields[name]
            field.help_text = gettext("minutes; %(n)s at most") % {"n": most}
            field.widget.attrs["max"] = most


@require_http_methods(["GET", "HEAD", "POST"])
def people(request: HttpRequest) -> HttpResponse:
    """The list and its settings. An administrator's form puts somebody on it, or changes what it says."""
    wrong: OnCallForm | None = None
    if request.method == "POST":
        wrong = OnCallForm(_staff(request), request.POST, prefix=request.POST.get("of", ""))
        if wrong.is_valid() and _put(request, wrong):
            return redirect("on-call")
    return render(request, "web/on_call.html", _page(request, wrong))


def _put(request: HttpRequest, form: OnCallForm) -> bool:
    try:
        on_call.put_on_list(access.staff(request), Listed(**form.cleaned_data))
    except InvalidAddress as error:
        form.add_error("phone" if "phone" in str(error).lower() else "email", told(str(error)))
    except NotAllowed as error:
        form.add_error(None, told(str(error)))
        if not on_call.may_set(access.staff(request)):  # who has no form to show it in
            messages.error(request, told(str(error)))
    else:
        messages.success(request, gettext("The list is saved. Send yourself a test."))
        return True
    return False


def _staff(request: HttpRequest) -> list[Staff]:
    clinic = access.staff(request).clinic_id
    return list(Staff.objects.filter(clinic=clinic, is_active=True).order_by("name", "pk"))


def _page(request: HttpRequest, wrong: OnCallForm | None) -> dict[str, Any]:
    staff, me, now = _staff(request), access.staff(request), clock.now()
    rows = list(on_call.rows(me.clinic))
    on_duty = {row.pk for row in rows if on_call.paths_of(row) and on_call.person_of(row, now).on_duty}
    forms_by_row = {row.pk: _form(row, wrong) for row in rows}
    listed = {row.staff_id for row in rows}
    free = [one for one in staff if one.pk not in listed]
    fresh = OnCallForm(free, prefix="new", initial={"place": len(rows) + 1})
    return {
        "rows": [(row, row.pk in on_duty, on_call.paths_of(row), forms_by_row[row.pk]) for row in rows],
        "new": wrong if wrong is not None and wrong.prefix == "new" else fresh if free else None,
        "ladder": LadderForm(initial={name: getattr(_rungs(request), name) for name in on_call.LIMITS}),
        "may_set": on_call.may_set(me),
        "is_listed": me.pk in listed,
        "channels": {channel for row in rows for channel in on_call.paths_of(row)},
        "is_open": on_call.clinic_time(me.clinic).is_open(now),
    }


def _rungs(request: HttpRequest) -> Any:
    return on_call.ladder_of(access.staff(request).clinic)


def _form(row: OnCall, wrong: OnCallForm | None) -> OnCallForm:
    prefix = str(row.staff_id)
    if wrong is not None and wrong.prefix == prefix:
        return wrong
    names = ("place", "email", "phone", "language", "when", "starts", "ends", "is_lead", "staff_id")
    return OnCallForm([row.staff], prefix=prefix, initial={name: getattr(row, name) for name in names})


@require_POST
def remove(request: HttpRequest, staff_id: int) -> HttpResponse:
    """Take somebody off the list."""
    try:
        on_call.take_off_list(access.staff(request), access.colleague(request, staff_id).pk)
    except NotAllowed as error:
        messages.error(request, told(str(error)))
    return redirect("on-call")


@require_POST
def ladder(request: HttpRequest) -> HttpResponse:
    """Make the ladder faster."""
    form = LadderForm(request.POST)
    try:
        if not form.is_valid():
            raise NotAllowed(
                "Each step may come sooner than the default, not later, and none before the last."
            )
        on_call.set_ladder(access.staff(request), form.cleaned_data)
    except NotAllowed as error:
        messages.error(request, told(str(error)))
    else:
        messages.success(request, gettext("The ladder is saved."))
    return redirect("on-call")


@require_POST
def test(request: HttpRequest) -> HttpResponse:
    """Send a test to oneself, and say what became of it on each channel."""
    try:
        sent = send_test(access.staff(request))
    except NotAllowed as error:
        messages.error(request, told(str(error)))
    else:
        for one in sent:
            words = {"channel": CHANNELS[one.channel], "state": NOTICE_STATES[one.state]}
            said = gettext("Test by %(channel)s: %(state)s.") % words
            good = one.state == AlertNotice.State.SENT
            messages.success(request, said) if good else messages.error(request, said)
    return redirect("on-call")
