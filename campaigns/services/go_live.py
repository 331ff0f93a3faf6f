"""Before a clinic is live, messages go to the addresses of a trial and to nobody else, whoever is enrolled.

The first clinic of an installation begins with a trial (`campaigns create-clinic`); a person ends it.
"""

from __future__ import annotations

from django.conf import settings
from django.db import transaction

from campaigns.domain.errors import CampaignsError, NotAllowed
from campaigns.domain.recipients import normalise_email, normalise_phone
from campaigns.models import Clinic, Installation
from campaigns.queries import clock
from campaigns.services.record import record


def only_to() -> frozenset[str] | None:
    """The addresses that may be written to, as they are stored; None once live: everybody."""
    if not Installation.objects.filter(is_trial=True).exists():
        return None
    return frozenset(_as_stored(address) for address in settings.TRIAL_RECIPIENTS)


def _as_stored(address: str) -> str:
    """One that cannot be read lets nobody in."""
    try:
        return normalise_email(address) if "@" in address else normalise_phone(address)
    except CampaignsError:
        return ""


@transaction.atomic
def begin_trial(*, by: str) -> bool:
    """Begin with a trial where this is the first clinic; False where it is not, and in the demo."""
    if settings.DEMO or Clinic.objects.count() != 1:
        return False
    Installation.objects.update_or_create(pk=1, defaults={"is_trial": True})
    record("trial_begun", "installation", actor=by, now=clock.now())
    return True


@transaction.atomic
def go_live(*, by: str) -> None:
    """From now on every patient is written to. Raises NotAllowed where that is so already."""
    if not Installation.objects.filter(is_trial=True).update(is_trial=False):
        raise NotAllowed("This installation is live already.")
    record("gone_live", "installation", actor=by, now=clock.now())
