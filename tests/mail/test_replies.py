"""A patient's mail, from the bytes to what becomes of it."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from campaigns.delivery.email_mime import message_bytes
from campaigns.domain.visits import VisitKind
from campaigns.models import Alert, Answer, Clinic, InboundMail, Message, PatientLink, Reply, Suppression
from campaigns.queries import clock, lexicons
from campaigns.services import receive_mail
from campaigns.services.compose import token_hash
from campaigns.services.receive_mail import Delivered, read_waiting
from campaigns.services.send import drain
from tests.factories import make_patient, set_now
from tests.mail.conftest import DOMAIN, PATIENT, VOUCHED, Mails, Take, header, mail
from tests.web.stored import everything_stored

QUOTE = "\n\nOn Mon, Nov 2, 2026 at 1:00 PM Clinic <clinic@clinic.example> wrote:\n\n"
TRUSTED = (("Authentication-Results", VOUCHED),)


def rules() -> list[tuple[str, str]]:
    return list(Alert.objects.order_by("pk").values_list("urgency", "rule"))


def automatic() -> list[str]:
    return list(Message.objects.filter(sequence="auto").order_by("pk").values_list("template", flat=True))


def test_every_mail_says_where_its_answer_goes_and_only_a_hash_of_that_is_kept(
    asked: Message, mails: Mails, reply_to: str
) -> None:
    token = reply_to.removeprefix("r+").removesuffix(f"@{DOMAIN}")
    assert PatientLink.objects.get(token_hash=token_hash(token)).message == asked
    raw = message_bytes(mails[-1], "clinic@clinic.example")
    assert header(raw, "Reply-To") == reply_to
    assert f"<mailto:{reply_to}?subject=unsubscribe>" in header(raw, "List-Unsubscribe")
    assert not PatientLink.objects.filter(token_hash=token).exists()


def test_an_answer_is_recorded_with_the_question_that_it_answers(
    asked: Message, reply_to: str, take: Take
) -> None:
    quoted = "\n".join(f"> {line}" for line in asked.body.splitlines())
    stored = take(mail(f"4{QUOTE}{quoted}\n", to=reply_to.upper(), subject=f"Re: {asked.subject}"))
    answer = Answer.objects.get()
    assert (answer.message, answer.value, answer.patient) == (asked, "4", asked.patient)
    assert (stored.trust, stored.kind, stored.state) == ("token", "personal", "read")
    assert stored.reply is not None
    assert (stored.reply.body, stored.reply.outcome) == ("4", "answer")
    assert asked.body.split()[-1] in stored.words
    assert rules() == []
    assert automatic() == []


def test_a_token_in_the_envelope_alone_is_enough(asked: Message, reply_to: str, take: Take) -> None:
    assert take(mail("4"), to=(reply_to,)).trust == "token"
    assert Answer.objects.get().message == asked


@pytest.mark.parametrize(
    ("results", "proven"),
    [
        ([VOUCHED], True),
        (["mx.clinic.example; spf=pass smtp.mailfrom=patient@patients.example"], True),
        (["mx.clinic.example; dkim=pass header.d=patients.example header.s=x"], True),
        (["mx.clinic.example; dkim=pass header.d=elsewhere.example"], False),
        (
            ["mx.clinic.example; dmarc=fail; dkim=pass header.d=patients.example"],
            False,
        ),
        (["mx.clinic.example; dmarc=pass header.from=elsewhere.example"], False),
        (["mx.clinic.example; dmarc=none", VOUCHED], False),
        (["mx.elsewhere.example; dmarc=pass header.from=patients.example"], False),
        (["mx.clinic.example.evil.example; dmarc=pass header.from=patients.example"], False),
        (['mx.elsewhere.example (mx.clinic.example; dmarc=pass) x="; dmarc=pass"'], False),
        (["mx.clinic.example; none (dmarc=pass header.from=patients.example)"], False),
        (["mx.clinic.example; arc=pass smtp.remote-ip=1.2.3.4; auth=pass"], False),
        ([], False),
    ],
)
def test_without_a_token_only_our_own_server_proves_who_wrote(
    asked: Message, take: Take, results: list[str], proven: bool
) -> None:
    stored = take(mail("4", headers=tuple(("Authentication-Results", value) for value in results)))
    assert stored.trust == ("domain" if proven else "")
    assert Answer.objects.exists() is proven
    assert rules() == ([] if proven else [("routine", "sender not proven")])


@pytest.mark.parametrize(
    "sender",
    [
        f"{PATIENT}, other@elsewhere.example",
        f'"{PATIENT}" <evil@elsewhere.example>',
        f"<{PATIENT}> <evil@elsewhere.example>",
        "evil@elsewhere.example",
    ],
)
def test_a_sender_who_only_looks_like_the_patient_is_nobody(asked: Message, take: Take, sender: str) -> None:
    raw = mail("4", headers=TRUSTED).replace(f"Ann <{PATIENT}>".encode(), sender.encode())
    assert take(raw).trust == ""
    assert not Answer.objects.exists()


def test_nobody_is_guessed_where_two_patients_share_an_address(asked: Message, take: Take) -> None:
    later = [(VisitKind.SESSION, date(2026, 12, 1), time(14, 0))]
    make_patient(asked.clinic, email=PATIENT, phone="", visits=later)
    stored = take(mail("4", headers=TRUSTED))
    assert stored.reply is not None
    assert stored.reply.patient is None
    assert rules() == [("routine", "address shared by several patients")]


@pytest.mark.parametrize(
    ("body", "subject"),
    [
        ("STOP", "Re: x"),
        ("", "unsubscribe"),
        ("Arrêt\n\nEnvoyé de mon iPhone", "Re: x"),
        ("إيقاف", ""),
        ("STOP\n\nAnn", ""),
    ],
)
def test_an_opt_out_is_obeyed_at_once_where_the_sender_is_proven(
    asked: Message, reply_to: str, take: Take, body: str, subject: str
) -> None:
    take(mail(body, to=reply_to, subject=subject))
    assert Suppression.objects.filter(channel="email", lifted_at=None).count() == 1
    assert Reply.objects.get().outcome == "opt_out"
    assert automatic() == []


def test_the_button_of_a_mail_program_stops_our_mail_although_a_machine_writes(
    asked: Message, reply_to: str, take: Take
) -> None:
    machine = (("Auto-Submitted", "auto-generated"),)
    take(mail("This was sent by your mail program.", to=reply_to, subject="unsubscribe", headers=machine))
    assert Suppression.objects.filter(channel="email", lifted_at=None).count() == 1


def test_stop_within_a_sentence_is_not_taken_for_the_word_alone(
    asked: Message, reply_to: str, take: Take
) -> None:
    take(mail("Stop\nthe pain please", to=reply_to))
    assert not Suppression.objects.exists()


def test_an_opt_out_of_whoever_it_is_goes_to_a_person(asked: Message, take: Take) -> None:
    take(mail("STOP"))
    assert not Suppression.objects.exists()
    assert rules() == [("routine", "no more messages, sender not proven")]


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(
    ("body", "subject"),
    [
        ("I cannot breathe", "Re: x"),
        ("", "I cannot breathe"),
        ("STOP. I cannot breathe", ""),
        (f"see below{QUOTE}> How bad?\nI cannot breathe\n", "Re: x"),
        (f"see below\n-- \nAnn\n{QUOTE}How bad?\nI cannot breathe", "Re: x"),
        ("x " * 15_000 + "I cannot breathe", "Re: x"),
    ],
)
def test_danger_in_any_mail_is_an_emergency(
    asked: Message, reply_to: str, take: Take, body: str, subject: str, known: bool
) -> None:
    raw = (
        mail(body, subject=subject, to=reply_to)
        if known
        else mail(body, subject=subject, sender="x@y.example")
    )
    take(raw)
    assert Alert.objects.filter(urgency="emergency").count() == 1
    assert automatic() == (["auto/emergency"] if known else [])


def test_what_we_wrote_ourselves_is_no_danger(asked: Message, reply_to: str, take: Take) -> None:
    wrapped = "\n".join(line[:60] + "\n" + line[60:] for line in asked.body.splitlines())
    take(mail(f"4{QUOTE}{wrapped}", to=reply_to))
    assert rules() == []
    assert Answer.objects.get().value == "4"


def test_the_same_answer_goes_to_one_address_once_a_day(asked: Message, reply_to: str, take: Take) -> None:
    for hours in (0, 2, 25):
        set_now(asked.send_at + timedelta(hours=hours))
        take(mail("I cannot breathe", to=reply_to))
    assert automatic() == ["auto/emergency"] * 2
    assert Alert.objects.filter(urgency="emergency").count() == 3


@pytest.mark.parametrize("body", ["4", "STOP", "Can I drive?", "I cannot breathe"])
def test_the_same_mail_brought_twice_changes_nothing(
    asked: Message, reply_to: str, take: Take, body: str
) -> None:
    raw = mail(body, to=reply_to)
    take(raw)
    before = everything_stored()
    take(b"Received: by another road\r\n" + raw)
    assert everything_stored() == before


@pytest.mark.parametrize(
    ("body", "outcome", "rule"),
    [
        ("HELP", "help", "asked for help"),
        ("START", "opt_in", ""),
        ("français", "language", ""),
        ("Please call me", "alert", "asks for a call"),
        ("six or seven", "alert", "not understood"),
        ("", "alert", "not understood"),
        ("9", "answer", "answer.pain_high"),
    ],
)
def test_other_mail_leads_to_what_a_text_leads_to_without_an_automatic_answer(
    asked: Message, reply_to: str, take: Take, body: str, outcome: str, rule: str
) -> None:
    take(mail(body, to=reply_to, subject=f"Re: {asked.subject}"))
    assert Reply.objects.get().outcome == outcome
    assert [found for _, found in rules()] == ([rule] if rule else [])
    assert automatic() == []


def test_an_answer_that_comes_too_late_is_kept_for_a_person(
    asked: Message, reply_to: str, take: Take
) -> None:
    set_now(asked.send_at + timedelta(days=8))
    take(mail("4", to=reply_to))
    reply = Reply.objects.get()
    assert (reply.patient, reply.message, reply.answer) == (asked.patient, asked, "4")
    assert Answer.objects.get().late
    assert rules() == [("routine", "late answer")]


def test_files_and_mail_that_is_cut_are_shown_to_a_person(
    asked: Message, reply_to: str, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = (
        f"From: {PATIENT}\r\nTo: {reply_to}\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\n"
    )
    photo = "\r\n--x\r\nContent-Type: image/jpeg\r\nContent-Disposition: attachment\r\n\r\nAAAA\r\n--x--\r\n"
    take(f"{head}4{photo}".encode())
    assert rules() == [("routine", "sent files")]
    monkeypatch.setattr(receive_mail, "LARGEST_KEPT", 5_000)
    stored = take(mail("START\n\n" + "x" * 9_000, to=reply_to))
    assert (len(stored.raw), stored.size > 9_000, stored.damaged) == (5_000, True, True)
    assert Alert.objects.count() == 2


def test_it_is_stored_although_it_cannot_be_read_and_read_by_the_next_tick(
    asked: Message, reply_to: str, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = mail("4", to=reply_to)
    with monkeypatch.context() as broken:
        broken.setattr(receive_mail, "take_reply", lambda *_: 1 / 0)
        stored = take(raw)
        assert (stored.state, stored.tries, stored.raw) == ("stored", 1, raw)
    read_waiting()
    assert Answer.objects.get().value == "4"
    before = everything_stored()
    take(raw)
    assert everything_stored() == before


def test_a_mail_that_can_never_be_read_is_shown_to_a_person(
    asked: Message, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lexicons, "of", lambda clinic: 1 / 0)
    take(mail("4"))
    for _ in range(5):
        read_waiting()
    stored = InboundMail.objects.get()
    assert (stored.state, stored.tries) == ("failed", 3)
    assert rules() == [("urgent", "mail cut or damaged")]


BOUNDARY = b"Content-Type: multipart/mixed; boundary=x\r\n\r\n"
POISON = [
    b"",
    b"\x00" * 1_000,
    b"\n" * 100_000,
    b"\xff\xfe\xed\xa0\x80" * 100,
    b"From: \xed\xa0\x80@\xff\r\nSubject: =?utf-16?q?=D8=00?=\r\n\r\n\xed\xa0\x80\x00",
    b"Content-Type: text/plain; charset=nonsense\r\n\r\nI cannot breathe",
    b"Content-Type: text/plain; charset=punycode\r\n\r\nI cannot breathe",
    b"Content-Type: text/plain; charset*=a'b'c%ff\r\n\r\nI cannot breathe",
    b"Content-Type: text/html\r\n\r\n" + b"<!--" * 20_000 + b"I cannot breathe",
    b"Content-Transfer-Encoding: base64\r\n\r\n====A",
    BOUNDARY + b"--x\r\n\r\nhi\r\n" * 100_000,
    b"".join(b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (n, n) for n in range(5_000)),
    b"Content-Type: message/rfc822\n\n" * 5_000,
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=x\n\n--x\n"
    b"Content-Type: message/delivery-status\n\n\xff: \xfe\n\nAction: failed\n",
    b"From: a@b.example\r\n\r\n" + b"x" * 3_000_000,
]


@pytest.mark.parametrize("raw", POISON, ids=range(len(POISON)))
def test_no_mail_is_too_broken_to_be_kept_and_shown(take: Take, raw: bytes) -> None:
    stored = take(raw)
    assert (stored.state, stored.raw, stored.size) == ("read", raw, len(raw))
    assert Alert.objects.count() == 1


LINES = st.sampled_from(
    [
        b"Content-Type: multipart/mixed; boundary=x",
        b"Content-Type: multipart/alternative; boundary=x",
        b"Content-Type: text/html; charset=utf-16",
        b"Content-Transfer-Encoding: base64",
        b"Content-Transfer-Encoding: quoted-printable",
        b"Content-Disposition: attachment; filename*=utf-8''%ff",
        b"From: =?utf-8?b?////?= <a@b.example>",
        b"Subject: =?x?q?=ff?=",
        b"--x",
        b"--x--",
        b"",
        b"<p>=3D</p><blockquote",
    ]
)


@hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=300) | st.lists(LINES | st.binary(max_size=20), max_size=25).map(b"\r\n".join))
def test_whatever_the_bytes_they_are_stored_and_read(clinic: Clinic, raw: bytes) -> None:
    stored = receive_mail.receive_mail(Delivered(raw=raw, way="webhook"))
    assert InboundMail.objects.get(pk=stored).state == "read"


def test_an_old_token_proves_nothing_any_more(asked: Message, reply_to: str, take: Take) -> None:
    set_now(clock.now() + timedelta(days=181))
    assert take(mail("4", to=reply_to)).trust == ""


def test_nothing_more_goes_by_mail_after_an_opt_out(
    asked: Message, reply_to: str, take: Take, mails: Mails
) -> None:
    take(mail("unsubscribe", to=reply_to))
    before = len(mails)
    set_now(clock.now() + timedelta(days=10))
    drain()
    assert len(mails) == before
