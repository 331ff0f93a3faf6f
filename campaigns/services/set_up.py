"""First set-up: clinics and staff accounts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import transaction

from campaigns.domain.errors import InvalidAddress, NotAllowed
from campaigns.domain.languages import SUPPORTED
from campaigns.domain.recipients import normalise_email, normalise_phone
from campaigns.models import Clinic, Installation, Staff
from campaigns.queries import clock
from campaigns.services.compose import SOURCE_LANGUAGE
from campaigns.services.record import record
from campaigns.services.review import approve_language

SHIPPED = "shipped with the installation"
CHANGEABLE = frozenset({"segments_per_second", "other_channel", "opt_out_scope"})
"""What `change_clinic` may set."""
FASTEST = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class NewClinic:
    """What a new clinic must say. `display_name` is the neutral one for texts; `segments_per_second` is what
    its number carries, 0 where nothing limits it."""

    name: str
    phone: str
    address: str
    display_name: str = ""
    time_zone: str = "America/Vancouver"
    sms_number: str = ""
    clinician_name: str = ""
    fee_text: str = ""
    opt_out_scope: str = Clinic.OptOutScope.CHANNEL.value
    segments_per_second: float = 0
    is_demo: bool = False


@transaction.atomic
def create_clinic(new: NewClinic, *, by: str) -> Clinic:
    """Create a clinic with English approved; what nobody has approved is a draft. Raises InvalidAddress for a
    telephone number, NotAllowed for an unknown time zone or a name that texts cannot carry."""
    now = clock.now()
    try:
        ZoneInfo(new.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise NotAllowed(
            f"There is no time zone {new.time_zone!r}. Use a name such as America/Vancouver."
        ) from None
    display_name = new.display_name or new.name
    if len(display_name) > 30:
        raise NotAllowed("Texts have room for a clinic name of 30 characters: give a shorter display name.")
    Installation.objects.get_or_create(pk=1)
    clinic = Clinic.objects.create(
        name=new.name,
        display_name=display_name,
        phone=normalise_phone(new.phone),
        address=new.address,
        time_zone=new.time_zone,
        sms_number=normalise_phone(new.sms_number) if new.sms_number else "",
        clinician_name=new.clinician_name,
        fee_text=new.fee_text,
        languages=[language.tag for language in SUPPORTED.values()],
        opt_out_scope=new.opt_out_scope,
        segments_per_second=new.segments_per_second,
        is_demo=new.is_demo,
        created_at=now,
    )
    record("clinic_created", f"clinic {clinic.pk}", actor=by, now=now)
    approve_language(clinic, SOURCE_LANGUAGE, by=SHIPPED, now=now)
    return clinic


@transaction.atomic
def change_clinic(clinic: Clinic, changes: Mapping[str, object], *, by: str) -> None:
    """Set some of the `CHANGEABLE` settings of a clinic; the audit says which and to what. Raises NotAllowed
    for a value that cannot be."""
    rate = changes.get("segments_per_second")
    if isinstance(rate, float) and not 0 <= rate <= FASTEST:
        raise NotAllowed(f"A number carries between 0 (no limit) and {FASTEST} segments a second.")
    for name in CHANGEABLE & changes.keys():
        setattr(clinic, name, changes[name])
    clinic.save(update_fields=[*changes])
    detail = {name: str(value) for name, value in changes.items()}
    record("clinic_changed", f"clinic {clinic.pk}", actor=by, now=clock.now(), detail=detail)


def find_clinic(name_or_id: str) -> Clinic:
    """The clinic of that id or name; without a word, the only one. Raises NotAllowed, naming them."""
    clinics = Clinic.objects.order_by("name")
    if name_or_id:
        try:
            clinics = clinics.filter(pk=UUID(name_or_id))
        except ValueError:
            clinics = clinics.filter(name=name_or_id)
    found = list(clinics[:2])
    if len(found) != 1:
        names = (
            ", ".join(Clinic.objects.values_list("name", flat=True))
            or "none yet: run campaigns create-clinic"
        )
        raise NotAllowed(f"Say which clinic with --clinic. There are: {names}.")
    return found[0]


@transaction.atomic
def create_staff(*, email: str, name: str, role: str, clinic: Clinic, by: str) -> Staff:
    """Create an account without a password: the first sign-in is by link. Raises InvalidAddress."""
    address = normalise_email(email).casefold()
    if Staff.objects.filter(email=address).exists():
        raise InvalidAddress("There is already an account with this e-mail address.")
    now = clock.now()
    staff = Staff(clinic=clinic, email=address, name=name, role=role, created_at=now)
    staff.set_unusable_password()
    staff.save()
    record("staff_created", f"staff {staff.pk}", actor=by, now=now, detail={"role": role})
    return staff


def find_staff(email: str) -> Staff:
    """The open account with this e-mail address. Raises NotAllowed where there is none."""
    staff = Staff.objects.filter(email=email.strip().casefold(), is_active=True).first()
    if staff is None:
        raise NotAllowed("There is no open account with this e-mail address.")
    return staff
