"""What each page is for, in one line: the words of docs/tour.md. A page without words fails a test."""

from __future__ import annotations

WORDS = {
    "home": "What needs a person, what goes out next, and everybody in care.",
    "alerts": "What patients wrote that a person must read, with all that is known beside it.",
    "on-call": "Who is told of an alert, in which order, and a test that it arrives.",
    "call-list": "Whom no message reaches: somebody calls them.",
    "readiness": "Who is ready for their visit, and who has not answered.",
    "unsent": "What did not go or did not arrive, by reason.",
    "enroll": "One form for a new patient: language, consent, visits, messages.",
    "consent-text": "What a patient agrees to, in their language, to show or to print.",
    "patient": "One patient: phone and mailbox, visits, answers, and every message with its why.",
    "patient-consent": "What a patient said about messages at the desk or by phone.",
    "patient-forget": "Erase a patient's data: what goes and what stays.",
    "mail": "An e-mail as it was sent.",
    "visit-move": "Move a visit; what that changes is shown first.",
    "visit-settle": "Say that a visit took place, was missed or is cancelled.",
    "course-complete": "Close a course that went to its end.",
    "wordings": "Every language: how much of it is reviewed and approved.",
    "wording-language": "Every text of a language, and where it stands.",
    "wording-text": "One text beside its English, with comments, checks and what it costs.",
    "wording-sample": "One text as a patient would get it, with made-up facts.",
    "wording-words": "Change one sentence of a text, and see every text that says it.",
    "wording-import": "Take in a translator's file.",
    "wording-approve": "Approve every reviewed text of a language at once.",
    "wording-act": "Approve, withdraw or retire one text.",
    "lexicons": "The word lists by which replies are understood.",
    "lexicon": "The words of one language: danger signs, yes and no, numbers.",
    "lexicon-try": "What a reply would do, with the words as they stand.",
    "lexicon-propose": "Propose a word, and see which old replies it would change.",
    "lexicon-decide": "Accept or decline a proposed word.",
    "lexicon-import": "Take in a speaker's list of words.",
    "staff": "Who has an account, with which role, and how they are let in again.",
    "keys": "The keys of other programs: what each may do, and when it was last used.",
    "account": "One's own password, second factor and open sessions.",
    "password": "Change one's own password.",
    "authenticator": "Set up an app that shows codes.",
    "passkey-add": "Add a passkey.",
    "mfa_reauthenticate": "Some steps ask again who is there.",
}

FIRST = ("home", "alerts", "call-list", "readiness", "unsent", "enroll", "patient", "visit-move")
"""The order of the tour; what is not named here follows as the links lead."""

SEEN_WHILE_WORKING = {
    "enroll, the preview": "Every message of the course before anything is saved, with its cost.",
    "visit-move, the dry run": "What a move would change, before it does.",
}
"""Pages that only a filled-in form shows."""
