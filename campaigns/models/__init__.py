"""Tables, constraints and indexes; no rules."""

from campaigns.models.alerting import AlertNotice, OnCall
from campaigns.models.api import ApiAnswer, ApiKey, PatientReference
from campaigns.models.audit import APPEND_ONLY, AuditCheck, AuditEntry
from campaigns.models.calls import Call
from campaigns.models.channels import ChannelState
from campaigns.models.clinic import Clinic, Installation, Tick, Witness
from campaigns.models.courses import Course, Visit
from campaigns.models.enrollments import Enrollment
from campaigns.models.held import HeldAct
from campaigns.models.imports import Import, ImportedKey, ImportRow
from campaigns.models.inbox import Conversation, HandWritten, Presence
from campaigns.models.lexicon import LexiconChange, LexiconComment
from campaigns.models.mail import InboundMail
from campaigns.models.messages import Attempt, DeliveryEvent, Message
from campaigns.models.patients import (
    Consent,
    ConsentWords,
    ContactPoint,
    Patient,
    PatientLink,
    PatientSearch,
    Suppression,
)
from campaigns.models.replies import Alert, Answer, AnswerCorrection, Reply
from campaigns.models.reports import ReportCount, ReportMonth
from campaigns.models.staff import Guess, SignInLink, Staff, StaffSession, TodaySeen
from campaigns.models.steps import ClinicChange, StepCount, StepSetting
from campaigns.models.webhooks import WebhookEndpoint, WebhookEvent
from campaigns.models.wording import OwnWording, Wording, WordingComment

__all__ = [
    "APPEND_ONLY",
    "Alert",
    "AlertNotice",
    "Answer",
    "AnswerCorrection",
    "ApiAnswer",
    "ApiKey",
    "Attempt",
    "AuditCheck",
    "AuditEntry",
    "Call",
    "ChannelState",
    "Clinic",
    "ClinicChange",
    "Consent",
    "ConsentWords",
    "ContactPoint",
    "Conversation",
    "Course",
    "DeliveryEvent",
    "Enrollment",
    "Guess",
    "HandWritten",
    "HeldAct",
    "Import",
    "ImportRow",
    "ImportedKey",
    "InboundMail",
    "Installation",
    "LexiconChange",
    "LexiconComment",
    "Message",
    "OnCall",
    "OwnWording",
    "Patient",
    "PatientLink",
    "PatientReference",
    "PatientSearch",
    "Presence",
    "Reply",
    "ReportCount",
    "ReportMonth",
    "SignInLink",
    "Staff",
    "StaffSession",
    "StepCount",
    "StepSetting",
    "Suppression",
    "Tick",
    "TodaySeen",
    "Visit",
    "WebhookEndpoint",
    "WebhookEvent",
    "Witness",
    "Wording",
    "WordingComment",
]
