"""Sequence files: what is read, and what is said about a file that is wrong."""

from __future__ import annotations

import json
import re
from datetime import time
from pathlib import Path

import jsonschema
import pytest
import yaml

from campaigns.domain.errors import InvalidSequence, UnknownSequence, UnknownStep
from campaigns.domain.sequences import STEP_FIELDS, parse
from campaigns.domain.steps import Days, Gap, LateRule, Life, Span, Window
from campaigns.domain.vocabulary import parse_questions, parse_settings
from campaigns.queries import sequence_files
from tests.domain.planning import EMAIL, SETTINGS, SMS, after, sequence, step_text

HEAD = "key: trial\ntitle: A trial\nsteps:\n"
SHAPE = json.loads(sequence_files.schema())

STEPS = {
    "welcome": ["hello"],
    "previsit": ["about", "prepare", "confirm"],
    "pretreatment": ["nsaids", "avoid", "day_before", "morning"],
    "aftercare": [
        "same_day", "next_day", "next_day_again", "side_effects", "side_effects_again", "week_pain",
        "week_nsaids", "change", "midway", "plan_next", "plan_next_again",
    ],
    "course_end": ["pain", "change", "three_months", "three_months_change"],
    "missed_visit": ["sorry", "rebook"],
}  # fmt: skip


def fault_of(text: str) -> str:
    with pytest.raises(InvalidSequence) as raised:
        parse(text, "trial.yaml", sequence_files.vocabulary())
    return str(raised.value)


def test_it_ships_the_six_sequences_with_the_agreed_step_names() -> None:
    shipped = {key: [step.key for step in s.steps] for key, s in sequence_files.load_all().items()}
    assert shipped == STEPS


def test_every_shipped_step_is_in_the_table_of_the_documentation() -> None:
    told = (Path(__file__).parents[2] / "docs/sequences.md").read_text(encoding="utf-8")
    table = told.partition("## The steps that ship")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([a-z_.]+)` \|", table, flags=re.MULTILINE)
    shipped = [f"{key}.{step.key}" for key, s in sequence_files.load_all().items() for step in s.steps]
    assert sorted(rows) == sorted(shipped)


@pytest.mark.parametrize("key", STEPS)
def test_each_shipped_file_follows_the_published_schema(key: str) -> None:
    text = sequence_files.FOLDER.joinpath(f"{key}.yaml").read_text(encoding="utf-8")
    jsonschema.validate(yaml.safe_load(text), SHAPE)


def test_the_published_schema_knows_the_same_entries_as_the_reader() -> None:
    assert set(SHAPE["$defs"]["step"]["properties"]) == STEP_FIELDS


def test_it_reads_every_entry_of_a_step() -> None:
    read = sequence(
        step_text(
            offset="{days: -nsaid_days_before}",
            expires="{before_anchor: {days: avoid_days_before}, after: {hours: 30}}",
            late="{template: trial/other, replaces: [two], expires: {before_anchor: {hours: 3}}}",
            channels="{first_of: [sms, email]}",
            asks="ready",
            group="visit",
            only_if="{visit_kind: session, course_open: true}",
            exempt_from_cap="true",
        ),
        step_text("two"),
    ).step("one")
    assert read.offset == Days(setting="nsaid_days_before", sign=-1)
    assert read.window == Window(opens=time(10), closes=time(17))
    assert read.expires == Life(after=Span(minutes=1800), before_anchor=Days(setting="avoid_days_before"))
    assert (read.late.rule, read.late.template, read.late.replaces) == (
        LateRule.TEMPLATE,
        "trial/other",
        ("two",),
    )
    assert read.channels.names == (SMS, EMAIL)
    assert (read.asks, read.group, read.exempt_from_cap, read.priority) == ("ready", "visit", True, 0)


def test_a_setting_counts_with_its_sign() -> None:
    assert Days(setting="nsaid_days_before", sign=-1).resolve(SETTINGS) == -7
    with pytest.raises(InvalidSequence, match="The clinic has no setting nsaid_days_before"):
        Days(setting="nsaid_days_before").resolve({})


def test_it_reads_a_part_of_a_gap() -> None:
    read = sequence(after(anchor="visit_gap", offset="{gap_fraction: 0.5, fallback_days: 21}"))
    assert read.step("one").offset == Gap(fraction=0.5, fallback_days=21)


HOURS: dict[str, str | None] = {
    "offset": "{hours: -3}",
    "window": None,
    "shift": None,
    "expires": "{before_anchor: {hours: 1}}",
}
Case = tuple[dict[str, str | None], int, str]

SHAPELESS: dict[str, Case] = {
    "an unknown entry": ({"colour": "red"}, 15, "knows no `colour`. It may have: anchor, asks"),
    "a missing entry": ({"topic": None}, 4, "has no `topic`. Add it."),
    "an unknown anchor": ({"anchor": "moon"}, 6, "must be one of answer, course_completed, enrollment"),
    "a bad key": ({"asks": '"7 days"'}, 15, "use small letters, digits and underscores"),
    "an offset that is no table": ({"offset": "3"}, 7, "must be a table"),
    "days and hours at once": ({"offset": "{days: -1, hours: -2}"}, 7, "either `days`, or `hours`"),
    "an empty offset": ({"offset": "{}"}, 7, "either `days`, or `hours`"),
    "days that are no number": ({"offset": "{days: 1.5}"}, 7, "whole number from -3650 to 3650"),
    "days beyond reason": ({"offset": "{days: -99999}"}, 7, "whole number from -3650 to 3650"),
    "an unquoted time": ({"window": "{from: 10:00, to: 17:00}"}, 8, "a time of day in quotes"),
    "a time that is none": ({"window": '{from: "25:00", to: "26:00"}'}, 8, "a time of day in quotes"),
    "half a window": ({"window": '{from: "10:00"}'}, 8, "has no `to`. Add it."),
    "a window with hours": ({**HOURS, "window": '{from: "10:00", to: "17:00"}'}, 8, "a window does not go"),
    "bounds with days": ({"not_before": '"09:00"'}, 15, "go with hours or minutes. Use `window`"),
    "an empty life": ({"expires": "{}"}, 10, "must have `after`, `before_anchor`, or both"),
    "a negative life": ({"expires": "{after: {days: -1}}"}, 10, "whole number from 0 to 3650"),
    "a late rule that is none": ({"late": "maybe"}, 11, "must be one of"),
    "a late template without a name": ({"late": "{replaces: [one]}"}, 11, "has no `template`. Add it."),
    "a bad template": ({"late": "{template: other}"}, 11, "must be `sequence/name`"),
    "a channel that is none": ({"channels": "{all_of: [fax]}"}, 13, "Known channels: email, sms."),
    "no channel": ({"channels": "{all_of: []}"}, 13, "a list with at least one entry"),
    "both channel rules": ({"channels": "{all_of: [sms], first_of: [sms]}"}, 13, "either `all_of` or"),
    "a channel twice": ({"channels": "{all_of: [sms, sms]}"}, 13, "names `sms` twice"),
    "a flag that is none": ({"exempt_from_cap": '"yes"'}, 15, "must be true or false"),
    "an unknown condition": ({"only_if": "{full_moon: true}"}, 15, "knows no `full_moon`"),
    "an answer without a step": (
        {"anchor": "answer", "offset": "{days: 1}", "shift": None, "expires": "{after: {days: 1}}"},
        6,
        "the anchor `answer` needs `follows`",
    ),
    "follows without an answer": ({"follows": "one"}, 15, "`follows` goes with the anchor `answer` only"),
}  # fmt: skip


@pytest.mark.parametrize("case", SHAPELESS)
def test_a_fault_of_shape_is_told_with_file_and_line_and_refused_by_the_schema(case: str) -> None:
    entries, line, says = SHAPELESS[case]
    text = HEAD + step_text(**entries) + "\n"
    told = fault_of(text)
    assert says in told
    assert f"trial.yaml:{line}: " in told
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(text), SHAPE)


SENSELESS: dict[str, tuple[dict[str, str | None], str]] = {
    "a setting nobody has": (
        {"offset": "{days: -nsaid_dais}"},
        "counts `nsaid_dais`, which no setting is. Known: alcohol_days_before",
    ),
    "a question nobody asks": (
        {"asks": "colour"},
        "asks `colour`, which no question is. Known questions: change",
    ),
    "a window that cannot fit": (
        {"window": '{from: "17:00", to: "10:00"}'},
        "is empty: `from` must be before `to`",
    ),
    "bounds that cannot fit": (
        {**HOURS, "not_before": '"12:00"', "not_after": '"09:00"'},
        "nothing can go between",
    ),
    "a reminder after its visit": ({"offset": "{days: 3}"}, "counts from `visit_start` lies before it"),
    "foresight": (
        {"anchor": "visit_completed", "shift": None, "expires": "{after: {days: 1}}"},
        "nobody knows `visit_completed` before it happens",
    ),
    "an earlier shift after the anchor": (
        {"anchor": "visit_completed", "offset": "{days: 3}", "expires": "{after: {days: 1}}"},
        "only a step in days before `visit_start` can shift earlier",
    ),
    "an end before the beginning": (
        {"expires": "{before_anchor: {days: 5}}"},
        "it expires before it is due",
    ),
    "an end in hours before the beginning": (
        {**HOURS, "expires": "{before_anchor: {hours: 3}}"},
        "it expires before it is due",
    ),
    "no time to send": ({"expires": "{after: {minutes: 0}}"}, "leaves no time to send"),
    "an end before a visit that was": (
        {"anchor": "visit_completed", "offset": "{days: 3}", "shift": None},
        "`before_anchor` needs the anchor `visit_start`",
    ),
    "a gap without its anchor": (
        {"offset": "{gap_fraction: 0.5, fallback_days: 21}"},
        "`gap_fraction` and the anchor `visit_gap` go together",
    ),
    "a gap condition without a gap": (
        {"only_if": "{gap_days_at_least: 28}"},
        "`gap_days_at_least` needs the anchor `visit_gap`",
    ),
    "signs that differ": (
        {**HOURS, "offset": "{hours: -3, minutes: 5}"},
        "must have the same sign",
    ),
    "a replaced step that is not there": (
        {"late": "{template: trial/other, replaces: [two]}"},
        "there is no other step `two`. Steps: one.",
    ),
    "an unanswered step that is not there": (
        {"only_if": "{unanswered: two}"},
        "there is no other step `two`",
    ),
}


@pytest.mark.parametrize("case", SENSELESS)
def test_a_fault_of_sense_is_told(case: str) -> None:
    entries, says = SENSELESS[case]
    assert says in fault_of(HEAD + step_text(**entries) + "\n")


def test_it_names_all_faults_of_a_file_at_once_in_the_order_of_the_lines() -> None:
    told = fault_of(HEAD + step_text(anchor="moon", topic="fun") + "\n" + step_text(late="maybe") + "\n")
    faults = told.splitlines()
    assert [fault.split(":")[1] for fault in faults] == ["6", "14", "15", "22"]
    assert all(fault.startswith("trial.yaml:") for fault in faults)


def test_it_names_the_line_of_a_second_step_with_the_same_key() -> None:
    assert "trial.yaml:15: the step `one` is there twice" in fault_of(
        HEAD + step_text() + "\n" + step_text() + "\n"
    )


def test_a_step_must_follow_one_that_asks_and_repeats_like_it() -> None:
    follower = after(
        "two", anchor="answer", follows="one", repeat="once_per_course", window=None, offset="{minutes: 0}"
    )
    told = fault_of(HEAD + after() + "\n" + follower + "\n")
    assert "`one` asks nothing, so it has no answer" in told
    assert "it must repeat like it: `once_per_visit`" in told


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "trial.yaml:1: the file is empty"),
        ("key: [", "trial.yaml:1: this is not YAML"),
        ("- one", "trial.yaml:1: the file must be a table"),
        ("key: a\nkey: b\ntitle: T\nsteps: []\n", "trial.yaml:2: the file names `key` twice. Keep one."),
        ("key: a\ntitle: T\nsteps: [3]\n", "trial.yaml:3: a step must be a table"),
        ("key: a\ntitle: 3\nsteps: {}\n", "`title` of the file must be a text. Put it in quotes."),
    ],
)  # fmt: skip
def test_a_file_that_is_no_sequence_is_refused_with_its_line(text: str, says: str) -> None:
    assert says in fault_of(text)


def test_new_words_leave_the_timing_alone_and_new_timing_does_not() -> None:
    old = sequence(step_text())
    words = sequence(step_text(purpose="Other words."))
    timing = sequence(step_text(offset="{days: -4}"))
    assert words.digest != old.digest
    assert words.timing_digest == old.timing_digest
    assert timing.timing_digest != old.timing_digest


def test_comments_and_layout_leave_the_digest_alone() -> None:
    spread_out = step_text(window='{from: "10:00",   to: "17:00"}  # office hours')
    assert sequence(spread_out).digest == sequence(step_text()).digest


def test_an_unknown_sequence_or_step_is_refused_with_the_known_names() -> None:
    with pytest.raises(UnknownSequence, match="aftercare, course_end, missed_visit"):
        sequence_files.load("aftermath")
    with pytest.raises(UnknownStep, match="It has: hello"):
        sequence_files.load("welcome").step("goodbye")


def test_pain_is_the_loinc_numeric_rating() -> None:
    pain = sequence_files.questions()["pain"]
    assert (pain.low, pain.high, pain.best, pain.system, pain.code) == (
        0,
        10,
        0,
        "http://loinc.org",
        "72514-3",
    )
    assert sequence_files.questions()["function"].best == 10


def test_the_vocabulary_is_read_as_strictly() -> None:
    with pytest.raises(InvalidSequence, match=r"q\.yaml:1: .*`low` below `high`"):
        parse_questions("pain: {asks: Pain, scale: nrs, low: 5, high: 5, best: 5}", "q.yaml")
    with pytest.raises(InvalidSequence, match=r"s\.yaml:1: .*must lie between"):
        parse_settings("rest: {means: Rest, default: 9, least: 1, most: 5}", "s.yaml")


def test_every_setting_says_what_it_means_and_has_a_default() -> None:
    assert SETTINGS["nsaid_days_before"] == 7
    assert all(setting.means for setting in sequence_files.settings().values())
