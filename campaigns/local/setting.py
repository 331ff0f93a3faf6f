"""What a demo needs in its database before anybody lives in it. Call after the environment is set."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import django
import urllib3
from django.core.management import call_command

from campaigns.domain.errors import NotAllowed

if TYPE_CHECKING:
    from campaigns.models import Clinic, Staff

WAIT_FOR_SITE = 30.0


def prepare_database() -> None:
    """Create or update the tables."""
    django.setup()
    import worker  # noqa: F401  tasks asked for from here go to the worker's broker

    call_command("migrate", verbosity=0, interactive=False)
    from campaigns.models import Clinic

    if Clinic.objects.filter(is_demo=False).exists():
        raise NotAllowed(
            "DATABASE_URL names a database with a real clinic in it. A demo sets its clock: unset it."
        )


def wait_for_site(base_url: str) -> None:
    """Return when the site answers; raises TimeoutError after half a minute."""
    deadline = time.monotonic() + WAIT_FOR_SITE
    while time.monotonic() < deadline:
        try:
            answer = urllib3.request(
                "GET", f"{base_url}/healthz", headers={"Connection": "close"}, timeout=2, retries=False
            )
            if answer.status == 200:
                return
        except urllib3.exceptions.HTTPError:
            pass
        time.sleep(0.05)
    raise TimeoutError("The site does not answer. Its log is in the state folder under logs/web.log.")


def clinic_of_the_demo() -> tuple[Clinic, list[Staff]]:
    """The demo clinic, its coordinator and its clinician, made on first use. Every text is approved there."""
    from campaigns.domain.languages import SUPPORTED
    from campaigns.local.stage import SMS_NUMBER
    from campaigns.models import Clinic, Staff
    from campaigns.queries import clock
    from campaigns.services.review import approve_language
    from campaigns.services.set_up import NewClinic, create_clinic, create_staff

    clinic = Clinic.objects.filter(is_demo=True).first()
    if clinic is None:
        clinic = create_clinic(
            NewClinic(
                name="Demo Clinic",
                display_name="Demo Clinic",
                phone="+16045550134",
                address="100 Example Street, Vancouver BC",
                sms_number=SMS_NUMBER,
                clinician_name="Dr. Example",
                fee_text="$180.00",
                is_demo=True,
            ),
            by="demo",
        )
        for language in SUPPORTED:
            approve_language(clinic, language, by="demo", now=clock.now())
    return clinic, [
        Staff.objects.filter(email=email).first()
        or create_staff(email=email, name=name, role=role, clinic=clinic, by="demo")
        for email, name, role in (
            ("coordinator@demo-clinic.example", "Demo Coordinator", Staff.Role.COORDINATOR),
            ("clinician@demo-clinic.example", "Demo Clinician", Staff.Role.CLINICIAN),
        )
    ]


def sign_in_url(base_url: str, staff: Staff) -> str:
    """A link that signs one of the demo's staff in once."""
    from django.urls import reverse

    from campaigns.services.sign_in import make_link

    return base_url + reverse("sign-in-link", args=[make_link(staff)])
