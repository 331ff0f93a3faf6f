"""The forms of a step and of the clinic: what was typed becomes plain values, with errors beside the field.

Each carries what it was filled with, signed, so that a form that was open too long is noticed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.core import signing
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from campaigns.domain.errors import InvalidAddress
from campaigns.domain.languages import SUPPORTED
from campaigns.domain.overrides import Misfit
from campaigns.domain.recipients import normalise_phone
from campaigns.domain.steps import Anchor, Days, Gap, Step
from campaigns.queries import sequence_files
from campaigns.services.clinic_settings import DAYS, LENGTHS, TIMES
from campaigns.services.step_settings import LONGEST_NOTE, NOTHING
from campaigns.web.filters import own_name
from campaigns.web.forms import clock_field
from campaigns.web.step_words import NAMES, OFF_REASONS, WEEKDAYS, fault, value_name

SALT = "campaigns.web.step_forms"


def stale(names: Iterable[str]) -> str:
    """What is said of a form that showed something else than what is so now."""
    changed = ", ".join(value_name(name) for name in names)
    words = gettext("Somebody has changed this meanwhile: %(what)s. Nothing was saved. Look at it again.")
    return words % {"what": changed}


class Remembering(forms.Form):
    """A form that knows what it was filled with."""

    was = forms.CharField(widget=forms.HiddenInput, required=False)

    def remember(self, values: Mapping[str, Any]) -> None:
        """Sign what the form shows now."""
        self.fields["was"].initial = signing.dumps(dict(values), salt=SALT)

    def shown(self) -> dict[str, Any]:
        """What the form showed. A form that nobody signed showed nothing that could be so."""
        try:
            found: dict[str, Any] = signing.loads(self.cleaned_data["was"], salt=SALT)
        except signing.BadSignature:
            return dict.fromkeys(self.known(), "")
        return found

    def known(self) -> Iterable[str]:
        """The names of the values that it stands for."""
        raise NotImplementedError

    def tell(self, faults: Iterable[tuple[str, str]]) -> None:
        """Put what a service found beside its field."""
        for name, code in faults:
            field = self.place(name)
            self.add_error(field if field in self.fields else None, fault(code))

    def place(self, name: str) -> str:
        """The field of a value."""
        return name


class StepForm(Remembering):
    """When a step goes at this clinic, or why it does not."""

    off = forms.ChoiceField(label=_("Switch it off"), required=False)
    note = forms.CharField(
        label=_("Note"),
        max_length=LONGEST_NOTE,
        required=False,
        help_text=_("For your colleagues. No names of patients."),
    )
    days = forms.IntegerField(label=_("Days"), min_value=0, max_value=3650, required=False)
    hours = forms.IntegerField(label=_("Hours"), min_value=0, max_value=8760, required=False)
    minutes = forms.IntegerField(label=_("Minutes"), min_value=0, max_value=59, required=False)
    opens = clock_field(NAMES["opens"], required=False)  # type: ignore[arg-type]
    closes = clock_field(NAMES["closes"], required=False)  # type: ignore[arg-type]
    still_true = forms.BooleanField(
        label=_("I have read the words in our languages: they are still true at the new time."),
        required=False,
    )

    def __init__(self, file: Step, values: dict[str, Any], data: Any = None) -> None:
        self.file = file
        super().__init__(data, initial=_as_typed(values))
        self.remember(values)
        self._values = values
        reasons = [(key, str(words)) for key, words in OFF_REASONS.items()]
        self.fields["off"].choices = [("", gettext("No: it is sent")), *reasons]  # type: ignore[attr-defined]
        self.fields["was"].initial = signing.dumps(values, salt=SALT)
        for name in self._without():
            del self.fields[name]

    def _without(self) -> list[str]:
        """The fields that this step has no use for."""
        offset, gone = self.file.offset, []
        if self.file.mandatory is not None:
            gone += ["off", "note"]
        fixed = isinstance(offset, Gap) or self.file.anchor is Anchor.ANSWER
        by_setting = isinstance(offset, Days) and bool(offset.setting)
        if fixed or by_setting:
            return [*gone, "days", "hours", "minutes", "still_true"]
        return gone + (["hours", "minutes"] if isinstance(offset, Days) else ["days"])

    def known(self) -> Iterable[str]:
        return NOTHING

    def values(self) -> dict[str, Any]:
        """What was typed, as the service knows it; an offset as it is in the file is none."""
        typed = self.cleaned_data
        off = typed.get("off", "")
        return {
            "off": off,
            "note": typed.get("note", "").strip() if off else "",
            "opens": f"{typed['opens']:%H:%M}" if typed.get("opens") else None,
            "closes": f"{typed['closes']:%H:%M}" if typed.get("closes") else None,
            **self._offset(),
        }

    def _offset(self) -> dict[str, int | None]:
        typed, offset = self.cleaned_data, self.file.offset
        sign = -1 if self.file.anchor is Anchor.VISIT_START else 1
        if typed.get("days") is not None and isinstance(offset, Days):
            days = sign * typed["days"]
            return {"days": None if days == offset.number else days, "minutes": None}
        if typed.get("hours") is None and typed.get("minutes") is None:
            return {"days": None, "minutes": None}
        minutes = sign * ((typed.get("hours") or 0) * 60 + (typed.get("minutes") or 0))
        same = not isinstance(offset, (Days, Gap)) and minutes == offset.minutes
        return {"days": None, "minutes": None if same else minutes}

    def clean(self) -> dict[str, Any]:
        """Another time than now is only for words that somebody has read for it."""
        typed = super().clean() or self.cleaned_data
        if not self.errors and "still_true" in self.fields and not typed.get("still_true"):
            offset = self._offset()
            if any(offset[name] is not None and offset[name] != self._values[name] for name in offset):
                self.tell([("still_true", Misfit.UNREAD)])
        return typed

    def place(self, name: str) -> str:
        if name == "offset":
            return "days" if "days" in self.fields else "hours"
        return "opens" if name == "window" else name


def _as_typed(values: dict[str, Any]) -> dict[str, Any]:
    """The values as the fields show them: without a sign, minutes as hours and minutes."""
    shown = dict(values)
    if values["days"] is not None:
        shown["days"] = abs(values["days"])
    if values["minutes"] is not None:
        shown["hours"], shown["minutes"] = divmod(abs(values["minutes"]), 60)
    return shown


def _text(name: str, *, required: bool = True) -> forms.CharField:
    return forms.CharField(label=NAMES[name], max_length=LENGTHS.get(name, 40), required=required)  # type: ignore[arg-type]


def _number(name: str) -> forms.IntegerField:
    return forms.IntegerField(label=NAMES[name], min_value=0)  # type: ignore[arg-type]


class ClinicForm(Remembering):
    """What a clinic decides for everybody. The figures in days come from the sequence files' own list."""

    name = _text("name")
    display_name = _text("display_name")
    phone = _text("phone")
    address = _text("address")
    clinician_name = _text("clinician_name", required=False)
    fee_text = _text("fee_text", required=False)
    send_from = clock_field(NAMES["send_from"])  # type: ignore[arg-type]
    send_to = clock_field(NAMES["send_to"])  # type: ignore[arg-type]
    send_days = forms.MultipleChoiceField(
        label=NAMES["send_days"],  # type: ignore[arg-type]
        choices=[(str(number), name) for number, name in enumerate(WEEKDAYS)],
        widget=forms.CheckboxSelectMultiple,
    )
    quiet_from = clock_field(NAMES["quiet_from"])  # type: ignore[arg-type]
    quiet_to = clock_field(NAMES["quiet_to"])  # type: ignore[arg-type]
    sms_per_day = _number("sms_per_day")
    sms_per_week = _number("sms_per_week")
    holidays = forms.CharField(
        label=NAMES["holidays"],  # type: ignore[arg-type]
        required=False,
        help_text=_("One date on a line, as in 2026-12-25. Reminders and safety messages go all the same."),
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    languages = forms.MultipleChoiceField(
        label=NAMES["languages"],  # type: ignore[arg-type]
        choices=[(tag, own_name(tag)) for tag in SUPPORTED],
        widget=forms.CheckboxSelectMultiple,
    )
    large_act_limit = _number("large_act_limit")

    def __init__(self, values: dict[str, Any], data: Any = None) -> None:
        super().__init__(data, initial=_clinic_as_typed(values))
        self.remember(values)
        self._values = values
        for key, setting in sequence_files.settings().items():
            label = value_name(DAYS + key)
            self.fields[DAYS + key] = forms.IntegerField(
                label=label, min_value=setting.least, max_value=setting.most
            )
        for number, name in enumerate(WEEKDAYS):
            for part in ("opens", "closes"):
                self.fields[f"{part}_{number}"] = clock_field(name, required=False)  # type: ignore[arg-type]

    def known(self) -> Iterable[str]:
        return self._values

    def clean_phone(self) -> str:
        """As it is stored; what cannot be one is for the service to say."""
        try:
            return normalise_phone(self.cleaned_data["phone"])
        except InvalidAddress:
            return str(self.cleaned_data["phone"])

    def values(self) -> dict[str, Any]:
        """What was typed, as the service knows it."""
        typed = self.cleaned_data
        found = {name: typed[name] for name in self._values if name in typed}
        for name in TIMES:
            found[name] = f"{typed[name]:%H:%M}"
        found["send_days"] = sorted(map(int, typed["send_days"]))
        found["languages"] = [tag for tag in SUPPORTED if tag in typed["languages"]]
        found["holidays"] = sorted(set(typed["holidays"].split()))
        found["staffed_hours"] = {
            str(number): [f"{typed[f'opens_{number}']:%H:%M}", f"{typed[f'closes_{number}']:%H:%M}"]
            for number in range(7)
            if typed.get(f"opens_{number}") and typed.get(f"closes_{number}")
        }
        return found

    def staffed(self) -> list[tuple[str, forms.BoundField, forms.BoundField]]:
        """Each weekday with its two fields."""
        return [
            (str(name), self[f"opens_{number}"], self[f"closes_{number}"])
            for number, name in enumerate(WEEKDAYS)
        ]

    def figures(self) -> list[forms.BoundField]:
        """The fields of the figures in days."""
        return [self[name] for name in self.fields if name.startswith(DAYS)]


def _clinic_as_typed(values: dict[str, Any]) -> dict[str, Any]:
    hours = {
        f"{part}_{day}": clock
        for day, clocks in values["staffed_hours"].items()
        for part, clock in zip(("opens", "closes"), clocks, strict=True)
    }
    days = {"send_days": [str(day) for day in values["send_days"]], "holidays": "\n".join(values["holidays"])}
    return {**values, **hours, **days}
