"""The whole course in each language, lived through in one run: every text in the patient's own script."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import unicodedata
from collections import Counter, defaultdict
from typing import Any

import pytest

from campaigns.domain.languages import SOURCE, SUPPORTED
from campaigns.local.cast import WHOLE_COURSE
from campaigns.local.processes import ROOT

LONGEST = 300
DAYS, SESSIONS = 150, 3
MOST_FOREIGN = 0.05
"""The share of letters of another script that passes, once the words that stay Latin are left out."""
SCRIPTS = {
    "Latn": {"LATIN"},
    "Cyrl": {"CYRILLIC"},
    "Arab": {"ARABIC"},
    "Deva": {"DEVANAGARI"},
    "Guru": {"GURMUKHI"},
    "Hant": {"CJK"},
    "Hans": {"CJK"},
    "Kore": {"HANGUL"},
}
"""How Unicode's names of the letters begin."""
FACTS = re.compile(r"https?://\S+|Demo Clinic|Dr\. Example|Example Street|Vancouver BC")
WORD = re.compile(r"[A-Za-z]+")

Row = dict[str, Any]


@pytest.fixture(scope="module")
def lived() -> dict[str, list[Row]]:
    """What each patient got, by language."""
    env = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    command = [sys.executable, "-m", "campaigns", "rehearse", *WHOLE_COURSE, "--language", "all", "--json"]
    command += ["--from", "2026-12-01", "--days", str(DAYS), "--sessions", str(SESSIONS)]
    done = subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=LONGEST
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, list[Row]] = defaultdict(list)
    for line in done.stdout.splitlines():
        row = json.loads(line)
        found[row["language"]].append(row)
    return found


def texts(rows: list[Row]) -> dict[str, str]:
    """What was sent, by step, channel and moment."""
    return {f"{row['step']} {row['channel']} {row['at']}": row["text"] for row in rows if row["text"]}


def letters(text: str) -> Counter[str]:
    """How many letters of each script a text has, without facts of the clinic."""
    plain = FACTS.sub(" ", text)
    return Counter(unicodedata.name(char).split()[0] for char in plain if char.isalpha())


def foreign(text: str, tag: str) -> Counter[str]:
    """Letters that the language is not written with. Latin is left out: names of medicines stay."""
    own = SCRIPTS[SUPPORTED[tag].script] | {"LATIN"}
    return Counter({script: count for script, count in letters(text).items() if script not in own})


pytestmark = pytest.mark.slow


def test_every_patient_lives_the_same_course(lived: dict[str, list[Row]]) -> None:
    assert list(lived) == list(SUPPORTED)
    english = texts(lived[SOURCE])
    assert len(english) > 40
    assert {key.partition(".")[0] for key in english} == set(WHOLE_COURSE)
    assert {tag: names for tag, rows in lived.items() if (names := texts(rows).keys() ^ english.keys())} == {}


def test_nothing_is_left_out_for_its_wording(lived: dict[str, list[Row]]) -> None:
    reasons = {row["reason"] for rows in lived.values() for row in rows if row["state"] != "accepted"}
    assert reasons <= {"course_closed"}


@pytest.mark.parametrize("tag", SUPPORTED)
def test_every_text_is_in_the_script_of_its_language(lived: dict[str, list[Row]], tag: str) -> None:
    own = SCRIPTS[SUPPORTED[tag].script]
    for name, text in texts(lived[tag]).items():
        found = letters(text)
        assert sum(found[script] for script in own) > 0, f"{name}: {text}"
        latin = 0 if own == {"LATIN"} else found["LATIN"]
        assert latin < 0.4 * found.total(), f"{name}: {latin} of {found.total()} letters are Latin: {text}"
        assert foreign(text, tag).total() <= MOST_FOREIGN * found.total(), f"{name}: {foreign(text, tag)}"


@pytest.mark.parametrize("tag", [tag for tag in SUPPORTED if tag != SOURCE])
def test_no_text_is_english(lived: dict[str, list[Row]], tag: str) -> None:
    english = texts(lived[SOURCE])
    for name, text in texts(lived[tag]).items():
        ours, theirs = (
            {word.lower() for word in WORD.findall(FACTS.sub(" ", one))} for one in (text, english[name])
        )
        shared = ours & theirs
        assert len(shared) < 0.5 * len(theirs), f"{name}: {sorted(shared)}"


def test_no_two_languages_say_the_same(lived: dict[str, list[Row]]) -> None:
    names = texts(lived[SOURCE])
    for name in names:
        said = Counter(texts(rows)[name] for rows in lived.values())
        assert max(said.values()) == 1, f"{name}: {said.most_common(1)}"


def test_letters_of_another_script_are_seen() -> None:
    assert foreign("Приём Demo Clinic, ibuprofen", "ru") == {}
    assert foreign("Приём מחר", "ru") == {"HEBREW": 3}
    assert letters("Call 911, https://clinic.example/p/x")["LATIN"] == 4
