"""People who work at a clinic, the one-time links they sign in with, and where they are signed in."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models

from campaigns.models.clinic import Clinic


class StaffManager(BaseUserManager["Staff"]):
    """Finds staff by e-mail whatever its case, as people type it."""

    def get_by_natural_key(self, username: str | None) -> Staff:
        return self.get(email=(username or "").casefold())


class Staff(AbstractBaseUser):
    """One person with an account. Belongs to one clinic."""

    class Role(models.TextChoices):
        COORDINATOR = "coordinator", "Coordinator"
        CLINICIAN = "clinician", "Clinician"
        TRANSLATOR = "translator", "Translator"
        ADMINISTRATOR = "administrator", "Administrator"
        AUDITOR = "auditor", "Auditor"

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="staff")
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120)
    role = models.CharField(max_length=16, choices=Role.choices)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    USERNAME_FIELD = "email"
    objects: ClassVar[StaffManager] = StaffManager()

    class Meta:
        db_table = "staff"

    def __str__(self) -> str:
        return self.name


class SignInLink(models.Model):
    """A link that signs one person in once. Only the hash of its token is kept."""

    token_hash = models.CharField(max_length=64, primary_key=True)
    staff = models.ForeignKey(Staff, on_delete=models.CASCADE, related_name="sign_in_links")
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "sign_in_link"


class StaffSession(models.Model):
    """One browser in which somebody is signed in. The session itself is Django's; this says whose it is."""

    session_key = models.CharField(max_length=40, unique=True)
    staff = models.ForeignKey(Staff, on_delete=models.CASCADE, related_name="sessions")
    began_at = models.DateTimeField()
    browser = models.CharField(max_length=200)
    address = models.CharField(max_length=64)

    class Meta:
        db_table = "staff_session"


class TodaySeen(models.Model):
    """Until when somebody has seen what changed at the clinic: they say so on the first page."""

    staff = models.OneToOneField(Staff, on_delete=models.CASCADE, primary_key=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        db_table = "today_seen"


class Guess(models.Model):
    """How often somebody was wrong at the door within a day, and until when it stays shut for them."""

    # A hash of who was named and from where: the table shows neither.
    key = models.CharField(max_length=64, primary_key=True)
    wrong = models.PositiveIntegerField()
    since = models.DateTimeField()
    shut_until = models.DateTimeField()

    class Meta:
        db_table = "sign_in_guess"
