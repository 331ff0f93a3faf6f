"""The accounts of the clinic: an administrator invites, closes, and helps whoever lost the way in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from campaigns.domain.errors import InvalidAddress, NotAllowed
from campaigns.models import Staff
from campaigns.services import accounts, second_factor
from campaigns.web import access
from campaigns.web.account_forms import InvitationForm
from campaigns.web.told import told
from campaigns.web.words import ROLES


@require_http_methods(["GET", "HEAD", "POST"])
def people(request: HttpRequest) -> HttpResponse:
    """Everybody with an account at this clinic, and the form for somebody new."""
    me = _administrator(request)
    form = InvitationForm(
        [(role, str(name)) for role, name in ROLES.items()],
        request.POST if request.method == "POST" else None,
    )
    if request.method == "POST" and form.is_valid():
        try:
            staff, token = accounts.invite(me, **form.cleaned_data)
        except InvalidAddress as error:
            form.add_error("email", told(str(error)))
        except NotAllowed as error:
            form.add_error("name", told(str(error)))
        else:
            return _link(request, staff, token, days=3)
    return render(request, "web/people.html", _page(me) | {"form": form})


def _administrator(request: HttpRequest) -> Staff:
    me = access.staff(request)
    if not accounts.may(me):
        raise PermissionDenied
    return me


def _page(me: Staff) -> dict[str, Any]:
    everybody = Staff.objects.filter(clinic=me.clinic_id).order_by("-is_active", "name", "pk")
    proved = second_factor.who_has_one(me.clinic_id)
    return {"people": [(one, one.pk in proved) for one in everybody], "roles": ROLES}


def _link(request: HttpRequest, staff: Staff, token: str, *, days: int = 0) -> HttpResponse:
    """The link is shown once, to be handed over; it is stored nowhere in a form that opens anything."""
    url = settings.PUBLIC_BASE_URL + reverse("sign-in-link", args=[token])
    return render(request, "web/staff_link.html", {"person": staff, "link": url, "days": days})


@require_POST
def link(request: HttpRequest, staff_id: int) -> HttpResponse:
    """A new sign-in link for somebody who forgot the password."""
    staff = access.colleague(request, staff_id)
    return _with_link(request, staff, accounts.new_link)


@require_POST
def lost_phone(request: HttpRequest, staff_id: int) -> HttpResponse:
    """Forget somebody's second factor, and hand out the link by which they set up a new one."""
    staff = access.colleague(request, staff_id)
    return _with_link(request, staff, accounts.lost_phone)


def _with_link(request: HttpRequest, staff: Staff, act: Callable[[Staff, Staff], str]) -> HttpResponse:
    try:
        token = act(_administrator(request), staff)
    except NotAllowed as error:
        messages.error(request, told(str(error)))
        return redirect("staff")
    return _link(request, staff, token)


@require_POST
def change(request: HttpRequest, staff_id: int, act: str) -> HttpResponse:
    """Close an account, open it again, or give its owner another role."""
    staff, me = access.colleague(request, staff_id), _administrator(request)
    acts: dict[str, Callable[[], None]] = {
        "close": lambda: accounts.close(me, staff),
        "reopen": lambda: accounts.reopen(me, staff),
        "role": lambda: accounts.set_role(me, staff, request.POST.get("role", "")),
    }
    if act not in acts:
        raise Http404
    try:
        acts[act]()
    except NotAllowed as error:
        messages.error(request, told(str(error)))
    else:
        messages.success(request, _("Saved."))
    return redirect("staff")
