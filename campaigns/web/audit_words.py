"""The audit in words: one short sentence for each kind of entry. What has none yet is shown as it stands."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy as _p

from campaigns.web.words import Words

ACTIONS: dict[str, Words] = {
    "looked": {
        "looked_at": _("Looked at"),
    },
    "exported": {
        "patient_exported": _("Took away everything about a patient"),
        "chart_exported": _("Took away a patient's chart"),
        "exported": _("Took away rows of everybody, on the server"),
        "contactability_exported": _("Took away the list of who may be written to"),
        "audit_exported": _("Took away this audit"),
    },
    "patients": {
        "patient_registered": _("Took a patient into care"),
        "patient_enrolled": _("Enrolled a patient"),
        "patient_status": _("Said whether a patient is in care"),
        "patient_paused": _("Paused the messages to a patient"),
        "patient_forgotten": _("Erased a patient's data"),
        "course_opened": _("Opened a course"),
        "course_completed": _("Completed a course"),
        "visit_booked": _("Booked a visit"),
        "visit_moved": _("Moved a visit"),
        "visit_completed": _("Marked a visit as completed"),
        "visit_cancelled": _("Cancelled a visit"),
        "visit_no_show": _("Marked a visit as missed"),
        "enrollment_begun": _("Began a sequence"),
        "enrollment_stopped": _("Stopped a sequence"),
        "consent_granted": _("Wrote down a consent"),
        "consent_withdrawn": _("Wrote down the end of a consent"),
        "address_written": _("Wrote down a number or an e-mail address"),
        "address_paused": _("Paused an address: it may be the wrong person's"),
        "address_marked": _("Said whether an address works"),
        "address_confirmed": _("Confirmed an address as the patient's"),
        "language_changed": _("Changed the language of the messages"),
        "time_zone_changed": _("Changed a patient's time zone"),
        "call_recorded": _("Wrote down a call"),
        "answer_corrected": _("Put an answer right"),
        "reply_assigned": _("Said whose reply it was"),
        "written_by_hand": _("Wrote a message by hand"),
        "conversation_assigned": _("Gave a conversation to somebody"),
        "conversation_settled": _("Dealt with an answer that did not arrive"),
    },
    "held": {
        "held_act_asked": _("Asked for what reaches many patients"),
        "held_act_approved": _("Approved what reaches many patients"),
        "held_act_recalled": _("Recalled what would have reached many patients"),
        "held_act_done": _("What reaches many patients was done"),
        "held_act_refused": _("What would have reached many patients was refused"),
    },
    "imports": {
        "import_uploaded": _("Took in a file to import"),
        "import_checked": _("Checked what a file would change"),
        "import_errors_exported": _("Took away the rows of a file that are wrong"),
        "import_applied": _("Imported a file"),
        "import_done": _("An import came to its end"),
        "import_discarded": _("Threw a file away before it was imported"),
        "import_undo_begun": _("Began to take an import back"),
        "import_undone": _("Took an import back"),
    },
    "alerts": {
        "alert_acknowledged": _("Took an alert"),
        "alert_acknowledged_by_key": _("Took an alert, said by another program"),
        "alert_tried": _("Called and reached nobody"),
        "alert_closed": _("Closed an alert"),
        "alert_closed_by_key": _("Closed an alert, said by another program"),
        "alert_incident": _("Nobody took an alert in time"),
        "alert_tested": _("Sent a test of the alerts"),
        "alert_ladder_set": _("Changed how fast alerts climb"),
        "on_call_set": _("Changed who is told of alerts"),
        "on_call_removed": _("Took somebody off the list for alerts"),
    },
    "texts": {
        "wording_approved": _("Approved texts"),
        "wording_reviewed": _("Reviewed texts"),
        "wording_withdrawn": _("Withdrew texts"),
        "wording_retired": _("Retired texts"),
        "wording_reworded": _("Reworded texts"),
        "wording_commented": _("Commented on a text"),
        "wording_settled": _("Settled a comment on a text"),
        "lexicon_proposed": _("Proposed words for replies"),
        "lexicon_reviewed": _("Reviewed words for replies"),
        "lexicon_approved": _("Approved words for replies"),
        "lexicon_rejected": _("Rejected words for replies"),
        "lexicon_retired": _("Took words for replies out of force"),
        "lexicon_commented": _("Commented on words for replies"),
    },
    "people": {
        "signed_in": _("Signed in"),
        "signed_in_by_link": _("Signed in with a link"),
        "sign_in_link_made": _("Made a sign-in link"),
        "sessions_ended": _("Ended sessions"),
        "password_set": _("Set a password"),
        "authenticator_set": _("Set up the authenticator app"),
        "passkey_added": _("Added a passkey"),
        "recovery_codes_made": _("Made recovery codes"),
        "recovery_code_used": _("Used a recovery code"),
        "second_factor_removed": _("Removed a second proof"),
        "second_factor_reset": _("Reset somebody's second proof"),
        "staff_created": _("Made an account"),
        "staff_closed": _("Closed an account"),
        "staff_reopened": _("Opened an account again"),
        "role_changed": _("Changed somebody's role"),
    },
    "setting": {
        "clinic_created": _("Set the clinic up"),
        "clinic_changed": _("Changed the clinic's settings"),
        "trial_begun": _("Began the trial"),
        "gone_live": _("Went live"),
        "paused": _("Paused all sending"),
        "paused_by_itself": _("All sending paused by itself"),
        "resumed": _("Sending goes on"),
        "resumed_unreconciled": _("Sending goes on, whatever may have gone before"),
        "restore_reconciled": _("Looked up what was sent before a restore"),
        "api_key_created": _("Made a key for another program"),
        "api_key_revoked": _("Revoked a key of another program"),
        "webhook_created": _("Began to tell another program"),
        "webhook_removed": _("Ended telling another program"),
        "webhook_tested": _("Tested the notice to another program"),
        "webhook_resumed": _("Went on telling another program"),
        "webhook_given_up": _("Another program took no notice for days, and is told nothing any more"),
        "audit_checked": _("Checked the audit"),
    },
}
"""Every action that we write, by group."""

GROUPS: Words = {
    "looked": _p("the audit", "Who saw whom"),
    "exported": _p("the audit", "Taken away"),
    "patients": _p("the audit", "Patients, visits, consents"),
    "held": _p("the audit", "What reaches many"),
    "imports": _p("the audit", "Imports"),
    "alerts": _p("the audit", "Alerts"),
    "texts": _p("the audit", "Texts and words approved or changed"),
    "people": _p("the audit", "Accounts and signing in"),
    "setting": _p("the audit", "Settings, sending, other programs"),
    "other": _p("the audit", "Everything else"),
}
"""The filters of the page, in its order."""

KNOWN: Mapping[str, str | Promise] = {
    action: said for actions in ACTIONS.values() for action, said in actions.items()
}

NOBODY: Words = {
    "patient": _p("who did it", "the patient"),
    "ladder": _p("who did it", "the alert ladder"),
    "memory": _p("who did it", "the machine's memory of the database"),
    "system": _p("who did it", "the service itself"),
    "carriers": _p("who did it", "the carriers, by what they refuse"),
}
"""Who is no person with an account."""

OBJECTS: Words = {
    "clinic": _p("what an entry is about", "the clinic"),
    "installation": _p("what an entry is about", "the whole installation"),
    "audit_check": _p("what an entry is about", "the audit"),
    "alert": _p("what an entry is about", "an alert of an unknown sender"),
    "reply": _p("what an entry is about", "a reply of an unknown sender"),
    "api_key": _p("what an entry is about", "a key of another program"),
    "webhook_endpoint": _p("what an entry is about", "another program"),
}

PAGES: Words = {
    "patient": _p("where somebody saw it", "the patient's page"),
    "alerts": _p("where somebody saw it", "the alerts"),
    "call-list": _p("where somebody saw it", "the call list"),
    "readiness": _p("where somebody saw it", "who is ready"),
    "unsent": _p("where somebody saw it", "what was not sent"),
    "wording": _p("where somebody saw it", "the wording"),
    "words": _p("where somebody saw it", "the word lists"),
    "mail": _p("where somebody saw it", "an e-mail"),
    "home": _p("where somebody saw it", "the first page"),
    "audit": _p("where somebody saw it", "the audit"),
}


def action(name: str) -> str:
    """What was done; a name that is not known yet as plain words of its own."""
    return str(KNOWN.get(name) or name.replace("_", " "))


def actor(name: str, staff: Mapping[str, str]) -> str:
    """Who did it: a colleague's name, a part of the service, or what is written."""
    return staff.get(name) or str(NOBODY.get(name, name))


def where(detail: Mapping[str, object]) -> str:
    """On which page somebody saw it."""
    page = str(detail.get("page", ""))
    return str(PAGES.get(page, page))


def particulars(detail: Mapping[str, object]) -> str:
    """What else an entry holds, by its stored names; ids of patients are left to what it is about."""
    said = sorted((key, value) for key, value in detail.items() if key not in _ELSEWHERE)
    return ", ".join(f"{key}: {_plain(value)}" for key, value in said)


_ELSEWHERE = frozenset({"page", "patients", "patient", "evidence"})


def _plain(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(_plain(one) for one in value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(one)}" for key, one in sorted(value.items()))
    return str(value)
