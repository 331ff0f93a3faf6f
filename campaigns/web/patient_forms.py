"""The forms of a patient's page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from campaigns.domain.errors import InvalidAddress
from campaigns.domain.languages import SOURCE, SUPPORTED
from campaigns.domain.recipients import Channel, normalise_email, normalise_phone
from campaigns.domain.visits import VisitKind
from campaigns.models import Clinic, Patient
from campaigns.queries import sequence_files
from campaigns.services.courses import Stop
from campaigns.services.enroll import NewVisit
from campaigns.services.pausing import Why
from campaigns.web.consents import WAYS
from campaigns.web.filters import language
from campaigns.web.forms import KINDS, clock_field, day_field
from campaigns.web.names import sequence_title
from campaigns.web.patient_words import ADDRESS_MARKS, PAUSES, STOPS
from campaigns.web.told import told

ZONES = (
    *("America/Vancouver", "America/Whitehorse", "America/Edmonton", "America/Regina", "America/Winnipeg"),
    *("America/Toronto", "America/Halifax", "America/St_Johns", "America/Los_Angeles", "America/Denver"),
    *("America/Phoenix", "America/Chicago", "America/New_York", "America/Anchorage", "Pacific/Honolulu"),
    *("America/Mexico_City", "Europe/London", "Europe/Paris", "Asia/Kolkata", "Asia/Manila"),
    *("Asia/Shanghai", "Asia/Hong_Kong", "Asia/Seoul", "Asia/Tehran", "Australia/Sydney"),
)
"""Where patients of a clinic in Canada live or stay. Another program may set any other."""


class PauseForm(forms.Form):
    """Until when, and why."""

    until = day_field(_("Send nothing until"), required=False)
    why = forms.ChoiceField(label=_("Why?"), widget=forms.RadioSelect, choices=list(PAUSES.items()))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["until"].help_text = _(
            "On that day messages go again. Leave it empty: until somebody says so here."
        )

    @property
    def reason(self) -> Why:
        """Why. Call on a valid form."""
        return Why(self.cleaned_data["why"])


class LanguageForm(forms.Form):
    """What the patient reads, and by which clock messages come."""

    language = forms.ChoiceField(label=_("Which language does the patient read best?"))
    time_zone = forms.ChoiceField(
        label=_("Whose clock?"),
        required=False,
        widget=forms.Select(attrs={"lang": SOURCE}),
        help_text=_("Where the patient lives or stays, if it is not where the clinic is."),
    )

    def __init__(self, clinic: Clinic, patient: Patient, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"language": patient.language, "time_zone": patient.time_zone}
        super().__init__(*args, **kwargs)
        tags = dict.fromkeys([*(clinic.languages or SUPPORTED), patient.language])
        self.fields["language"].choices = [(tag, language(tag)) for tag in tags]  # type: ignore[attr-defined]
        zones = dict.fromkeys([*ZONES, *([patient.time_zone] if patient.time_zone else [])])
        self.fields["time_zone"].choices = [  # type: ignore[attr-defined]
            ("", gettext("The clinic's")),
            *((zone, _place(zone)) for zone in zones),
        ]


def _place(zone: str) -> str:
    return zone.rpartition("/")[2].replace("_", " ")


class AddressForm(forms.Form):
    """Another number or address, and whether the patient agrees to messages there."""

    address = forms.CharField(max_length=254)
    agreed = forms.BooleanField(label=_("The patient agrees to messages there"), required=False)
    way = forms.ChoiceField(label=_("How did the patient say it?"), choices=WAYS, required=False)
    evidence = forms.CharField(
        label=_("In which words, or where is it written?"),
        max_length=200,
        required=False,
        help_text=_("Needed if the patient agrees. What was agreed to for the address before ends."),
    )

    def __init__(self, channel: Channel, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._normal = normalise_phone if channel is Channel.SMS else normalise_email
        box = self.fields["address"]
        box.label = _("New number") if channel is Channel.SMS else _("New e-mail address")
        kind = "tel" if channel is Channel.SMS else "email"
        box.widget = forms.TextInput(attrs={"type": kind, "autocomplete": "off", "maxlength": 254})

    def clean_address(self) -> str:
        """As it is stored."""
        try:
            return self._normal(self.cleaned_data["address"])
        except InvalidAddress as error:
            raise forms.ValidationError(told(str(error))) from None

    def clean(self) -> None:
        """An agreement needs its evidence."""
        if self.cleaned_data.get("agreed") and not self.cleaned_data.get("evidence", "").strip():
            self.add_error("evidence", _("Say how the patient agreed, for the record."))


class MarkForm(forms.Form):
    """Whether a number or address works."""

    state = forms.ChoiceField(label=_("What do you know of it?"), widget=forms.RadioSelect)

    def __init__(self, channel: Channel, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = [pair for pair in ADDRESS_MARKS.items() if channel is Channel.SMS or pair[0] != "landline"]
        self.fields["state"].choices = known  # type: ignore[attr-defined]


class StatusForm(forms.Form):
    """Whether the patient is in care."""

    status = forms.ChoiceField(
        label=_("What has changed?"),
        widget=forms.RadioSelect,
        choices=[
            (Patient.Status.ACTIVE.value, _("The patient is in care again")),
            (Patient.Status.LEFT.value, _("The patient has left the clinic")),
            (Patient.Status.DECEASED.value, _("The patient has died")),
        ],
    )


class BookForm(forms.Form):
    """One more visit."""

    kind = forms.ChoiceField(label=_("Kind"), choices=KINDS, initial=KINDS[1][0])
    on_date = day_field(_("Date"))
    at_time = clock_field(_("Time"))

    def visit(self) -> NewVisit:
        """The visit. Call on a valid form."""
        data = self.cleaned_data
        return NewVisit(kind=VisitKind(data["kind"]), on_date=data["on_date"], at_time=data["at_time"])


class CourseForm(BookForm):
    """The first visit of a new course, and what it follows. More visits are booked one by one."""

    sequences = forms.MultipleChoiceField(
        label=_("Messages to send"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        found = sequence_files.load_all()
        kwargs["initial"] = {"sequences": list(found)}
        super().__init__(*args, **kwargs)
        self.fields["sequences"].choices = [  # type: ignore[attr-defined]
            (key, sequence_title(key, sequence.title)) for key, sequence in found.items()
        ]


class FollowForm(forms.Form):
    """A sequence that a course does not follow yet."""

    sequence = forms.ChoiceField(label=_("Which messages?"), widget=forms.RadioSelect)

    def __init__(self, running: set[str], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = sequence_files.load_all()
        self.fields["sequence"].choices = [  # type: ignore[attr-defined]
            (key, sequence_title(key, found[key].title)) for key in found if key not in running
        ]


class StopForm(forms.Form):
    """Why a course follows a sequence no longer."""

    why = forms.ChoiceField(
        label=_("Why?"),
        widget=forms.RadioSelect,
        choices=[(stop.value, STOPS[stop]) for stop in Stop],
    )
