"""Forms of the staff pages: what was typed becomes a service's values, with errors beside the field."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.forms.renderers import Jinja2
from django.utils.translation import gettext_lazy as _

from campaigns.domain.errors import InvalidAddress, InvalidVisit
from campaigns.domain.languages import SOURCE, SUPPORTED
from campaigns.domain.recipients import Channel, normalise_email, normalise_phone
from campaigns.domain.suggesting import in_order
from campaigns.domain.visits import VisitKind
from campaigns.models import Clinic, Patient
from campaigns.queries import sequence_files
from campaigns.services.consent import EVERY_TOPIC, granted
from campaigns.services.course_warnings import is_closed
from campaigns.services.enroll import Application, NewVisit
from campaigns.services.entries import MOST
from campaigns.services.sign_off import LONGEST_COMMENT
from campaigns.services.visits import check_start
from campaigns.web.filters import direction, language
from campaigns.web.names import sequence_title
from campaigns.web.told import told

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise  # the name that the type stubs give a lazy text

MOST_VISITS = 20
MOST_BACK = 2_000


class Renderer(Jinja2):
    """Widgets come from Django's own Jinja2 templates; labels, hints and errors from our macro."""


def day_field(label: str | _StrPromise, *, required: bool = True) -> forms.DateField:
    """A date as the browser's own picker writes it."""
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, required=required, widget=widget, input_formats=["%Y-%m-%d"])


def clock_field(label: str | _StrPromise, *, required: bool = True) -> forms.TimeField:
    """A time of day as the browser's own picker writes it."""
    widget = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    return forms.TimeField(label=label, required=required, widget=widget, input_formats=["%H:%M", "%H:%M:%S"])


KINDS = [(VisitKind.CONSULTATION.value, _("Consultation")), (VisitKind.SESSION.value, _("Treatment"))]


class MoveForm(forms.Form):
    """The new start of a visit."""

    on_date = day_field(_("New date"))
    at_time = clock_field(_("New time"))


class OwnWordsForm(forms.Form):
    """A text in the clinic's own words. What is wrong with them is for the checks to say."""

    text = forms.CharField(
        label=_("Your words"), max_length=MOST, strip=False, widget=forms.Textarea(attrs={"rows": 4})
    )
    back = forms.CharField(
        label=_("What they say, put back into English"),
        max_length=MOST_BACK,
        required=False,
        help_text=_("For whoever approves them. Best written by somebody who has not seen the English."),
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, tag: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["text"].widget.attrs |= {"lang": tag, "dir": direction(tag), "spellcheck": "true"}
        if tag == SOURCE:
            del self.fields["back"]


class CatalogForm(forms.Form):
    """A translator's file."""

    file = forms.FileField(
        label=_("The translator's file (.po)"), widget=forms.FileInput(attrs={"accept": ".po,text/plain"})
    )


class CommentForm(forms.Form):
    """A question or remark about one text."""

    said = forms.CharField(
        label=_("Comment"), max_length=LONGEST_COMMENT, widget=forms.Textarea(attrs={"rows": 3})
    )


def _looked_up(group: str, kind: str = "text") -> forms.TextInput:
    """A field of which static/find.js shows, while it is typed, who is here already."""
    return forms.TextInput(attrs={"type": kind, "autocomplete": "off", "data-find": group})


class PersonForm(forms.Form):
    """Who, in which language, how to reach them, and what they agreed to."""

    given_name = forms.CharField(label=_("Given name"), max_length=80, widget=_looked_up("name"))
    family_name = forms.CharField(
        label=_("Family name"), max_length=80, required=False, widget=_looked_up("name")
    )
    language = forms.ChoiceField(
        label=_("Which language does the patient read best?"),
        widget=forms.RadioSelect,
        help_text=_("For Chinese, ask: Traditional or Simplified?"),
    )
    interpreter_language = forms.CharField(
        label=_("Interpreter at visits"),
        max_length=40,
        required=False,
        help_text=_("The spoken language, if an interpreter is needed. For example: Cantonese."),
    )
    phone = forms.CharField(
        label=_("Mobile number"),
        max_length=40,
        required=False,
        widget=_looked_up("phone", "tel"),
    )
    email = forms.CharField(
        label=_("E-mail"),
        max_length=254,
        required=False,
        widget=_looked_up("email", "email"),
    )
    consent_sms = forms.BooleanField(label=_("The patient agrees to texts"), required=False)
    consent_email = forms.BooleanField(label=_("The patient agrees to e-mail"), required=False)
    consent_evidence = forms.CharField(
        label=_("How the patient agreed"),
        max_length=200,
        required=False,
        help_text=_("For example: signed the consent form at the front desk."),
        widget=forms.TextInput(attrs={"list": "evidence", "autocomplete": "off"}),
    )
    sequences = forms.MultipleChoiceField(
        label=_("Messages to send"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one.")},
    )

    def __init__(self, clinic: Clinic, *args: Any, **kwargs: Any) -> None:
        sequences = in_order(sequence_files.load_all().values())
        titles = {one.key: sequence_title(one.key, one.title) for one in sequences}
        tags = [tag for tag in clinic.languages or SUPPORTED if tag in SUPPORTED]
        # English where the clinic writes it: a language that nobody chose must not be one that few read.
        usual = {"language": SOURCE if SOURCE in tags else tags[0], "sequences": list(titles)}
        kwargs["initial"] = {**usual, **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        self.fields["language"].choices = [(tag, language(tag)) for tag in tags]  # type: ignore[attr-defined]
        self.fields["sequences"].choices = list(titles.items())  # type: ignore[attr-defined]

    def clean_phone(self) -> str:
        """E.164."""
        return _address(normalise_phone, self.cleaned_data["phone"])

    def clean_email(self) -> str:
        """One bare address."""
        return _address(normalise_email, self.cleaned_data["email"])

    def clean(self) -> None:
        """What one field needs of another."""
        if not self._given("phone", "email"):
            self.add_error("phone", _("Give a mobile number or an e-mail address, or both."))
        if self._given("consent_sms") and not self._given("phone"):
            self.add_error("phone", _("The patient agreed to texts: add the mobile number."))
        if self._given("consent_email") and not self._given("email"):
            self.add_error("email", _("The patient agreed to e-mail: add the address."))
        if self._agrees_anew() and not self._given("consent_evidence"):
            self.add_error("consent_evidence", _("Say how the patient agreed, for the record."))

    def _agrees_anew(self) -> bool:
        """Whether an agreement is to be put on record."""
        return self._given("consent_sms", "consent_email")

    def _given(self, *names: str) -> bool:
        """Whether any of these fields holds something, right or wrong: one error a field is enough."""
        return any(self.cleaned_data.get(name) or name in self.errors for name in names)


def _address(normalise: Callable[[str], str], text: str) -> str:
    if not text:
        return ""
    try:
        return normalise(text)
    except InvalidAddress as error:
        raise forms.ValidationError(told(str(error))) from None


class AgainForm(PersonForm):
    """The same for a patient who is here already: `has` are the addresses on record, `agrees` the channels
    on which everything is agreed to."""

    given_name = None  # type: ignore[assignment]
    family_name = None  # type: ignore[assignment]

    def __init__(self, patient: Patient, *args: Any, **kwargs: Any) -> None:
        points = {point.channel: point.address for point in patient.contact_points.all()}
        self.has = {channel: points.get(channel, "") for channel in Channel}
        self.agrees = {
            channel: set(EVERY_TOPIC) <= granted(patient, channel) for channel in Channel if self.has[channel]
        }
        kwargs["initial"] = {
            "language": patient.language,
            "interpreter_language": patient.speaks,
            "phone": self.has[Channel.SMS],
            "email": self.has[Channel.EMAIL],
            "consent_sms": self.agrees.get(Channel.SMS, False),
            "consent_email": self.agrees.get(Channel.EMAIL, False),
            **kwargs.get("initial", {}),
        }
        super().__init__(patient.clinic, *args, **kwargs)
        tags = self.fields["language"].choices  # type: ignore[attr-defined]
        if patient.language not in dict(tags):
            tags.append((patient.language, language(patient.language)))

    def _agrees_anew(self) -> bool:
        """An agreement that stands needs no evidence again."""
        return any(
            self.cleaned_data.get(f"consent_{channel.value}")
            and not (self.agrees.get(channel) and self._keeps(channel, name))
            for channel, name in _FIELDS
        )

    def _keeps(self, channel: Channel, name: str) -> bool:
        return bool(self.cleaned_data.get(name) == self.has[channel])

    def clean(self) -> None:
        """An agreement does not end by a tick taken away here: that needs a word of how it was said."""
        super().clean()
        said = _("Agreed to before. If the patient wants no more, say so on the patient's page.")
        for channel, name in _FIELDS:
            consent = f"consent_{channel.value}"
            if self.agrees.get(channel) and self._keeps(channel, name) and not self.cleaned_data.get(consent):
                self.add_error(consent, said)


_FIELDS = ((Channel.SMS, "phone"), (Channel.EMAIL, "email"))


class CourseForm(forms.Form):
    """The first visit, and how many treatments follow how far apart."""

    first_date = day_field(_("First visit on"), required=False)
    first_time = clock_field(_("at"), required=False)
    first_kind = forms.ChoiceField(label=_("Kind of first visit"), choices=KINDS, initial=KINDS[0][0])
    treatments = forms.IntegerField(
        label=_("Treatments"), min_value=0, max_value=MOST_VISITS - 1, initial=4, required=False
    )
    weeks = forms.IntegerField(label=_("Weeks apart"), min_value=1, max_value=26, initial=4, required=False)

    def clean(self) -> None:
        """A date needs a time."""
        if self.cleaned_data.get("first_date") and not self.cleaned_data.get("first_time"):
            self.add_error("first_time", _("Give the time too."))

    def rows(self) -> list[dict[str, Any]]:
        """The visits this describes, as values for the list of dates. Call on a valid form."""
        data = self.cleaned_data
        if not data.get("first_date"):
            return []
        first = (data["first_date"], data["first_time"], data["first_kind"])
        return course_dates(*first, treatments=data["treatments"] or 0, weeks=data["weeks"] or 4)


def course_dates(first: date, at: time, kind: str, *, treatments: int, weeks: int) -> list[dict[str, Any]]:
    """The first visit, then treatments so many weeks apart. A first visit that is a treatment counts."""
    total = max(1, treatments) if kind == VisitKind.SESSION else 1 + treatments
    return [
        {
            "on_date": first + timedelta(weeks=weeks * place),
            "at_time": at,
            "kind": kind if place == 0 else VisitKind.SESSION.value,
        }
        for place in range(total)
    ]


class VisitRow(forms.Form):
    """One visit in the list of dates. A row without a date does not count."""

    on_date = day_field(_("Date"), required=False)
    at_time = clock_field(_("Time"), required=False)
    kind = forms.ChoiceField(label=_("Kind"), choices=KINDS, initial=VisitKind.SESSION.value)

    def __init__(self, *args: Any, clinic: Clinic, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._clinic, self._now = clinic, now

    def clean(self) -> None:
        """A date needs a time, and both must lie ahead."""
        on_date, at_time = self.cleaned_data.get("on_date"), self.cleaned_data.get("at_time")
        if on_date and not at_time and "at_time" not in self.errors:
            self.add_error("at_time", _("Give the time too."))
        if on_date and at_time:
            try:
                check_start(self._clinic, on_date, at_time, self._now)
            except InvalidVisit as error:
                self.add_error("on_date", told(str(error)))

    def is_closed_day(self) -> bool:
        """Whether the clinic is usually closed then: a hint, never an error."""
        data = getattr(self, "cleaned_data", None) or self.initial
        on_date = data.get("on_date")
        if not on_date:
            return False
        return is_closed(self._clinic, on_date)


VisitRows = forms.formset_factory(VisitRow, extra=0, max_num=MOST_VISITS, absolute_max=MOST_VISITS + 1)


def application(person: PersonForm, rows: Sequence[VisitRow]) -> Application:
    """What `enroll` takes. Call on valid forms."""
    data = person.cleaned_data
    visits = [
        NewVisit(
            kind=VisitKind(row.cleaned_data["kind"]),
            on_date=row.cleaned_data["on_date"],
            at_time=row.cleaned_data["at_time"],
        )
        for row in rows
        if row.cleaned_data.get("on_date")
    ]
    return Application(
        given_name=data.get("given_name", ""),
        family_name=data.get("family_name", ""),
        language=data["language"],
        interpreter_language=data["interpreter_language"],
        phone=data["phone"],
        email=data["email"],
        consent_sms=data["consent_sms"],
        consent_email=data["consent_email"],
        consent_evidence=data["consent_evidence"],
        visits=visits,
        sequences=data["sequences"],
    )
