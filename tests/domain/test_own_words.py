"""A clinic's own words: what may be added or taken away, and that nothing that is stored breaks reading."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.domain.lexicon import build
from campaigns.domain.lexicon_files import read_keywords, read_language
from campaigns.domain.own_words import SHARED, Change, Documents, Kind, clean, lists, merge, refusals
from campaigns.domain.replies import Expects, Keyword
from campaigns.domain.triage import Urgency, understand
from campaigns.queries.lexicons import FOLDER, shipped
from tests.domain.test_lexicon_files import LANGUAGE

SMALL: Documents = {
    SHARED: read_keywords((FOLDER / "keywords.yaml").read_text(encoding="utf-8"), "keywords.yaml"),
    "xx": read_language(LANGUAGE, "xx.yaml"),
}
"""The keywords and one small language, so that building takes no time."""


def adding(language: str, entry: str, word: str) -> Change:
    return Change(language=language, entry=entry, word=word)


def taking(language: str, entry: str, word: str) -> Change:
    return Change(language=language, entry=entry, word=word, kind=Kind.REMOVE)


CORE = "It ships as a sign of an emergency: it can never be taken away."
CARRIER = "Carriers act on this word by themselves: it must keep its meaning."
TWO = "One word would mean two things: it is also in the list {}."
FOUND = "Nothing that a patient types could ever match this."
PLAIN = "This list takes plain words, without signs such as + or *."


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (adding("en", "redflags.chest", "rib cage + popped"), ""),
        (adding("vi", "redflags.chest", "xìu"), ""),
        (adding("ar", "redflags.chest", "=خازوق"), ""),
        (adding("zh-Hans", "redflags.chest", "胸口火烧火燎"), ""),
        (adding(SHARED, "redflags.emergency_signs", "😱"), ""),
        (adding(SHARED, "stop.fr-CA", "lâchez-moi"), ""),
        (adding("fr", "yes", "ouin ouin"), ""),
        (adding("en", "redflags.nothing", "x"), "There is no such list."),
        (adding("xx", "yes", "x"), "There is no such list."),
        (adding("en", "redflags.chest", "<nothing> + pain"), "there is no set <nothing>"),
        (adding("en", "redflags.chest", "chest + + pain"), "has an empty part"),
        (adding("en", "redflags.chest", "|"), "empty word in a term"),
        (adding("en", "redflags.chest", "/"), FOUND),
        (adding("en", "redflags.chest", "oops!"), FOUND),
        (adding("en", "yes", "yeah + ok"), PLAIN),
        (adding("en", "yes", "!!"), "It holds no letter."),
        (adding("en", "yes", "7"), "It holds a digit: digits are read as they are."),
        (adding("en", "yes", "a\u0000b"), "It holds a character that cannot be used."),
        (adding("en", "yes", "x" * 121), "Write a word, in up to 120 characters."),
        (adding("en", "yes", "YES"), "It is in this list already."),
        (adding("en", "yes", "nope"), TWO.format("no")),
        (adding("en", "numbers.3", "four"), TWO.format("numbers.4")),
        (adding("fr", "numbers.3", "four"), TWO.format("numbers.4")),
        (adding("en", "yes", "stop"), TWO.format("stop.en-CA")),
        (adding(SHARED, "start.en-CA", "yes"), TWO.format("yes")),
        (adding(SHARED, "start.en-CA", "hélp"), TWO.format("help.en-CA")),
        (adding(SHARED, "polite", "Stop"), CARRIER),
        (adding(SHARED, "stop_unless_asked", "end"), CARRIER),
        (adding(SHARED, "polite", "seven"), TWO.format("numbers.7")),
        (taking("en", "redflags.chest", shipped()["en"]["redflags"]["chest"]["terms"][0]), CORE),
        (taking("en", "redflags.chest", "never there"), "It is not in this list."),
        (taking("en", "redflags.unwell", shipped()["en"]["redflags"]["unwell"]["terms"][0]), ""),
        (taking(SHARED, "redflags.emergency_signs", "🆘"), CORE),
        (taking(SHARED, "stop.en-CA", "stop"), CARRIER),
        (taking(SHARED, "stop.fr-CA", "arrêt"), CARRIER),
        (taking(SHARED, "help.en-CA", "help"), CARRIER),
        (taking(SHARED, "stop.fr-CA", "annuler"), ""),
        (taking("en", "yes", "yep"), ""),
    ],
)
def test_each_change_is_checked_with_a_plain_reason(change: Change, why: str) -> None:
    found = refusals(shipped(), [], [change])[0]
    assert found == why or (why and why in found and found.startswith("This cannot be read: "))


def test_two_changes_cannot_make_one_word_mean_two_things() -> None:
    wanted = [adding("en", "yes", "zorb"), adding("en", "no", "Zorb"), adding("en", "yes", "zorb")]
    assert refusals(shipped(), [], wanted) == ["", TWO.format("yes"), "It is in this list already."]
    assert refusals(shipped(), wanted[:1], wanted[1:2]) == [TWO.format("yes")]


def test_every_emergency_sign_and_carrier_word_that_ships_stays_whatever_is_stored() -> None:
    """The rows stand for a database that somebody edited by hand."""
    documents = shipped()
    everything = [
        taking(language, entry, word)
        for language in ("en", "ko", SHARED)
        for entry, words in lists(documents[language]).items()
        for word in words
    ]
    left = merge(documents, everything).documents
    for language in ("en", "ko"):
        for name, rule in documents[language]["redflags"].items():
            kept = rule["terms"] if rule["urgency"] == "emergency" else []
            assert left[language]["redflags"][name]["terms"] == kept
    assert {"stop", "unsubscribe", "td"} <= set(left[SHARED]["stop"]["en-CA"])
    assert left[SHARED]["stop"]["fr-CA"] == ["arrêt"]
    assert documents == shipped()
    assert "yep" in documents["en"]["yes"]


def test_a_faulty_change_is_left_out_and_the_others_work() -> None:
    good, bad = adding("xx", "redflags.breath", "zorb*"), adding("xx", "redflags.breath", "<gone> + x")
    merged = merge(SMALL, [bad, good, taking("xx", "redflags.breath", "911")])
    assert [change.word for change, _why in merged.left_out] == ["<gone> + x", "911"]
    lexicon = build(merged.documents[SHARED], [merged.documents["xx"]])
    found = understand("zorbing 911", language="xx", expects=Expects.NONE, lexicon=lexicon)[1]
    assert found.urgency is Urgency.EMERGENCY
    assert found.matched == ("zorbing", "911")


def test_no_change_leaves_every_document_as_it_is() -> None:
    merged = merge(SMALL, [])
    assert all(merged.documents[language] is SMALL[language] for language in SMALL)


ENTRIES = [(file, entry) for file in SMALL for entry in lists(SMALL[file])]
TYPED = st.text(max_size=12) | st.text("zo +|*/<>=é7'د病\u200c\u0301", max_size=12)
CHANGES = st.builds(
    lambda place, word, kind, tidy: Change(
        language=place[0], entry=place[1], word=clean(word) if tidy else word, kind=kind
    ),
    st.sampled_from([*ENTRIES, ("xx", "sets.cannot"), ("zz", "yes")]),
    TYPED,
    st.sampled_from(Kind),
    st.booleans(),
)


@given(st.lists(CHANGES, max_size=4))
@settings(max_examples=60, deadline=None)
def test_whatever_is_stored_the_lists_can_be_built_and_the_core_is_read(changes: list[Change]) -> None:
    merged = merge(SMALL, changes)
    lexicon = build(merged.documents[SHARED], [merged.documents["xx"]])
    for text in ("ne povas spiri", "911"):
        found = understand(text, language="xx", expects=Expects.NONE, lexicon=lexicon)[1]
        assert found.urgency is Urgency.EMERGENCY
    for text in ("stop", "ARRET"):
        assert (
            understand(text, language="xx", expects=Expects.NRS, lexicon=lexicon)[0].keyword is Keyword.STOP
        )
    answered = understand("7", language="xx", expects=Expects.NRS, lexicon=lexicon)[0]
    assert answered.answer == 7
