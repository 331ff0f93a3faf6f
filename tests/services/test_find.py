"""Patients are found by the beginning of what they are called or reached at, though it is encrypted."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from campaigns.domain.name_terms import Person, fits, same_name, terms_of, wanted
from campaigns.domain.recipients import Channel
from campaigns.models import Clinic, Patient, PatientSearch
from campaigns.models.encryption import encrypt
from campaigns.queries import search
from campaigns.services import contact_points, find, newcomers
from campaigns.services.contact_points import NewAddress
from campaigns.services.enroll import Application, enroll
from campaigns.services.forget import forget
from tests.factories import NOON, make_clinic

SCRIPTS = [
    "abcdefghijklmnopqrstuvwxyzéèüñßçøđłİıŐ'-",
    "абвгдежзиклмнопрстуфхцчшщыьэюяіїєґё",
    "ابتثجحخدذرزسشصضطظعغفقكلمنهويىپچژگکی\u200cأإآ\u064e\u064b",
    "王小明李华陳張黃劉國語ゆみカナ",
    "김민수이박정최한글",
    "ਅਮਨਦੀਪਸਿੰਘਕੌਰ",
    "अआक्षशर्मािीुे",
    "áàảãạăâđêôơưữợ",
]
NAMES = st.sampled_from(SCRIPTS).flatmap(lambda letters: st.text(letters, min_size=2, max_size=12))
FULL = st.lists(NAMES, min_size=1, max_size=3).map(" ".join)


@settings(max_examples=80, deadline=None)
@given(given_name=FULL, family_name=st.just("") | FULL, data=st.data())
def test_any_beginning_of_any_word_finds_a_name(given_name: str, family_name: str, data: Any) -> None:
    person = Person(given_name, family_name)
    word = data.draw(st.sampled_from(f"{given_name} {family_name}".split()))
    asked = wanted(word[: data.draw(st.integers(2, len(word)))].upper())
    terms = terms_of(person)
    for one in asked:
        assert len(one.name) < 2 or set(one.terms) & terms, (one, sorted(terms))
        assert len(one.name) < 2 or fits(person, [one])
    assert len(terms) < 400


@settings(max_examples=50, deadline=None)
@given(given_name=FULL, family_name=FULL)
def test_a_name_is_the_same_whichever_part_is_written_first(given_name: str, family_name: str) -> None:
    assert same_name(Person(given_name, family_name), Person(family_name, given_name.upper()))
    assert not same_name(Person(given_name, family_name), Person(given_name + "x", family_name))


@pytest.mark.parametrize(
    ("given_name", "family_name", "typed", "is_found"),
    [
        ("Noor", "Example", "noor", True),
        ("Noor", "Example", "exa noo", True),
        ("Noor", "Example", "oor", False),
        ("Noor", "Example", "noor e", True),
        ("Noor", "Example", "noor x", False),
        ("Noor", "Example", "noor test", False),
        ("Zoë", "Müller", "zoe mull", True),
        ("Niamh", "O’Brien", "o'br", True),
        ("Niamh", "O’Brien", "obrien", True),
        ("Niamh", "O’Brien", "brien", True),
        ("Jean-Luc", "Roy", "jeanluc", True),
        ("Maximiliana", "", "maximilian", True),
        ("Maximiliana", "", "maximilius", False),
        ("小明", "王", "王小明", True),
        ("小明", "王", "明", True),
        ("王小明", "", "小明", True),
        ("國強", "陳", "陈国", True),
        ("민수", "김", "김민수", True),
        ("김민수", "", "민", True),
        ("Олена", "Шевченко", "шев", True),
        ("فاطمة", "أحمدی", "احمدي", True),
        ("ਅਮਨਦੀਪ", "ਸਿੰਘ", "ਅਮ", True),
        ("Noor", "", "n", False),
        ("Noor", "", "", False),
        ("Noor", "", "--- ()", False),
        ("Noor", "", "0134", True),
        ("Noor", "", "555-0134", True),
        ("Noor", "", "+1 (604) 555-01", True),
        ("Noor", "", "604555", False),
        ("Noor", "", "134", False),
        ("Noor", "", "noor 0134", True),
        ("Ann", "", "front.d", True),
        ("Ann", "", "desk", True),
        ("Ann", "", "front.desk@patients", True),
        ("Ann", "", "front.desk@elsewhere", False),
        ("Ann", "", "@patients", False),
    ],
)
def test_what_finds_whom(given_name: str, family_name: str, typed: str, is_found: bool) -> None:
    person = Person(given_name, family_name, "+16045550134", "front.desk@patients.example")
    asked, terms = wanted(typed), terms_of(person)
    found = bool(asked) and all(set(one.terms) & terms for one in asked if one.terms) and fits(person, asked)
    assert found is is_found


def names(clinic: Clinic, typed: str) -> list[str]:
    return [one.patient.full_name for one in search.find(clinic, typed, NOON.date())]


def someone(clinic: Clinic, name: str) -> Patient:
    """Here, and not enrolled."""
    return newcomers.register(clinic, newcomers.Newcomer(given_name=name, language="en-CA"), by="test")


def new(clinic: Clinic, name: str, phone: str = "+16045550111", email: str = "") -> Patient:
    given_name, _, family_name = name.partition(" ")
    wanted = Application(
        given_name=given_name,
        family_name=family_name,
        language="ar",
        phone=phone,
        email=email,
        sequences=["welcome"],
    )
    return enroll(clinic, wanted, by="test").patient


def test_a_patient_is_found_by_what_is_on_record_now_and_by_nobody_else(db: None) -> None:
    clinic, other = make_clinic(), make_clinic(approved=False, name="Far Clinic")
    noor, alexander = new(clinic, "Noor Example"), new(clinic, "Alexander Noorani", "+16045550122")
    ann = someone(clinic, "Ann")
    for step in range(22):
        someone(clinic, f"Alexandria{step}")
    assert names(clinic, "noor") == ["Noor Example", "Alexander Noorani"]  # who is called so comes first
    assert names(clinic, "alexander") == ["Alexander Noorani"]
    assert len(names(clinic, "alexandr")) == search.MOST
    assert names(clinic, "noor e") == ["Noor Example"]
    assert names(clinic, "noor 0111") == ["Noor Example"]
    assert names(other, "noor") == names(clinic, "") == names(clinic, "zzz") == []
    # With another number a patient is found by that one.
    contact_points.change(noor.pk, NewAddress(channel=Channel.SMS, address="604 555 0155"), by="test")
    contact_points.change(ann.pk, NewAddress(channel=Channel.EMAIL, address="a.b@x.example"), by="test")
    assert (names(clinic, "0155"), names(clinic, "0111"), names(clinic, "a.b@")) == (
        ["Noor Example"],
        [],
        ["Ann"],
    )
    same = [one.patient for one in search.alike(clinic, Person("noorani", "ALEXANDER"), NOON.date())]
    assert same == [alexander]
    assert search.alike(other, Person("noorani", "alexander", "+16045550155"), NOON.date()) == []
    reached = search.alike(clinic, Person("Nobody", "", "+16045550155", "a.b@x.example"), NOON.date())
    assert {one.patient for one in reached} == {noor, ann}
    # As many statements for twenty as for one.
    counts = []
    for typed in ("noor 0155", "alexandr"):
        with CaptureQueriesContext(
            connection,
        ) as said:
            search.find(clinic, typed, NOON.date())
        counts.append(len(said))
    assert counts == [3, 3]
    forget(alexander.pk, by="test")
    assert (names(clinic, "noorani"), PatientSearch.objects.filter(patient=alexander).exists()) == ([], False)


def test_what_another_release_or_another_key_wrote_is_made_anew(
    db: None, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    clinic = make_clinic()
    noor, broken = new(clinic, "Noor Example"), new(clinic, "Broken Row", "+16045550122")
    PatientSearch.objects.filter(patient=noor).delete()
    PatientSearch.objects.filter(patient=broken).update(key="old")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE patient SET given_name = 'k9:AAAA' WHERE id = %s", [broken.pk])
    assert names(clinic, "noor") == []
    call_command("migrate", verbosity=0)
    assert names(clinic, "noor") == ["Noor Example"]
    assert "cannot be read" in caplog.text
    Patient.objects.filter(pk=broken.pk).update(forgotten_at=NOON)
    assert find.renew() == 0
    assert [one.patient_id for one in PatientSearch.objects.all()] == [noor.pk]
    # Rotation: a newer key in front changes nothing, another oldest key changes every hash.
    before = PatientSearch.objects.get(patient=noor)
    newer = "n:" + "AQID" * 10 + "AQI="
    settings.FIELD_KEYS = f"{newer},{settings.FIELD_KEYS}"
    assert find.renew() == 0
    settings.FIELD_KEYS = f"{settings.FIELD_KEYS},o:" + "BAUG" * 10 + "BAU="
    assert names(clinic, "noor") == []
    assert find.renew() == 1
    after = PatientSearch.objects.get(patient=noor)
    assert names(clinic, "noor") == ["Noor Example"]
    assert not set(before.keys) & set(after.keys)
    # An installation without keys migrates all the same.
    settings.FIELD_KEYS = ""
    assert find.renew() == 0


CROWD = """
WITH made AS (
    INSERT INTO patient (id, clinic_id, given_name, family_name, language, interpreter, interpreter_language,
        time_zone, status, status_reason, created_at)
    SELECT gen_random_uuid(), %(clinic)s, %(name)s, '', 'ar', '', '', '', 'active', '', %(now)s
    FROM generate_series(1, 3000) RETURNING id)
INSERT INTO patient_search (patient_id, keys, key)
SELECT id, ARRAY[(random() * 1e15)::bigint, (random() * 1e15)::bigint], 'x' FROM made
"""


def test_a_search_reads_the_index_and_not_every_patient(db: None) -> None:
    clinic = make_clinic()
    new(clinic, "Noor Example")
    with CaptureQueriesContext(connection) as said:
        search.find(clinic, "noor exa", NOON.date())
        search.alike(clinic, Person("Noor", "Example"), NOON.date())
    asked = [one["sql"] for one in said if '"keys" &&' in one["sql"]]
    assert len(asked) == 2
    with connection.cursor() as cursor:
        cursor.execute(CROWD, {"clinic": clinic.pk, "name": encrypt("Crowd"), "now": NOON})
        cursor.execute("ANALYZE patient, patient_search")
        for statement in asked:
            cursor.execute(f"EXPLAIN {statement}")
            plan = str(cursor.fetchall())
            assert "patient_search_keys" in plan
            assert "Seq Scan" not in plan
