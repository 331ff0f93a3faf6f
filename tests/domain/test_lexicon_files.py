"""Word lists are read strictly: every fault is told with its file and line."""

from __future__ import annotations

import json

import jsonschema
import pytest
import yaml

from campaigns.domain.languages import SUPPORTED
from campaigns.domain.lexicon import build
from campaigns.domain.lexicon_files import InvalidLexicon, read_keywords, read_language
from campaigns.queries.lexicons import FOLDER, load

LANGUAGE = """\
language: xx
review: draft
numbers: [[nul], [un], [du], [tri], [kvar], [kvin], [ses], [sep], [ok], [nau], [dek]]
ambiguous_numbers: []
out_of: [el]
fillers: []
yes: [yes]
no: [no]
agree: []
not_ready: []
nothing: []
negators: []
sets:
  cannot: [ne povas, malfacile]
redflags:
  breath:
    group: resp
    urgency: emergency
    terms:
      - <cannot> + spiri
      - 911
"""
KEYWORDS = (FOLDER / "keywords.yaml").read_text(encoding="utf-8")


def test_words_are_taken_as_written() -> None:
    document = read_language(LANGUAGE, "xx.yaml")
    assert (document["yes"], document["no"]) == (["yes"], ["no"])
    assert document["redflags"]["breath"]["terms"] == ["<cannot> + spiri", "911"]
    lexicon = build(read_keywords(KEYWORDS, "keywords.yaml"), [document])
    assert lexicon.answers_for("xx")[0].numbers["sep"] == 7


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("negators: []\n", "", "xx.yaml:1: the file lacks `negators`"),
        ("    group: resp\n", "", "xx.yaml:17: the red flag `breath` lacks `group`"),
        ("urgency: emergency", "urgency: soon", "xx.yaml:18: `urgency` of the red flag `breath`"),
        ("<cannot> + spiri", "<cannot> + ", "xx.yaml:20: `terms` of the red flag `breath`: "),
        ("<cannot> + spiri", "<canot> + spiri", "xx.yaml:20: .*there is no set <canot>"),
        ("fillers: []", "fillers: word", "xx.yaml:6: `fillers` must be a list"),
        ("fillers: []", "filler: []", "xx.yaml:6: the file knows no `filler`"),
        ("[nul], ", "", "xx.yaml:3: `numbers` must be eleven lists"),
        ("yes: [yes]", "yes: [yes, [no]]", "xx.yaml:7: `yes` may hold only words"),
        ("yes: [yes]", "yes: [yes", "xx.yaml:8: this is not YAML"),
        ("review: draft\n", "review: draft\nreview: done\n", "xx.yaml:3: the file names `review` twice"),
        (
            "language: xx",
            "language: xx\nwords_joined: maybe",
            "xx.yaml:2: `words_joined` must be true or false",
        ),
    ],
)
def test_a_fault_is_told_with_its_line(old: str, new: str, fault: str) -> None:
    assert old in LANGUAGE
    with pytest.raises(InvalidLexicon, match=fault):
        read_language(LANGUAGE.replace(old, new, 1), "xx.yaml")


def test_every_fault_is_told_at_once() -> None:
    broken = LANGUAGE.replace("negators: []\n", "").replace("urgency: emergency", "urgency: soon")
    with pytest.raises(InvalidLexicon) as refused:
        read_language(broken, "xx.yaml")
    assert len(str(refused.value).splitlines()) == 2


def test_an_empty_file_and_keywords_without_stop_are_refused() -> None:
    with pytest.raises(InvalidLexicon, match=r"xx.yaml:1: the file is empty"):
        read_language("", "xx.yaml")
    with pytest.raises(InvalidLexicon, match=r"keywords.yaml:\d+: the file lacks `stop`"):
        read_keywords(KEYWORDS.replace("\nstop:\n", "\nhalt:\n"), "keywords.yaml")


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_schema_for_editors_agrees(path: object) -> None:
    schema = json.loads((FOLDER / "schema.json").read_text(encoding="utf-8"))
    document = yaml.safe_load((FOLDER / str(path)).read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    jsonschema.Draft202012Validator.check_schema(schema)
    named = {
        str(name).replace("True", "yes").replace("False", "no"): value for name, value in document.items()
    }
    assert validator.is_valid(named), [error.message[:200] for error in validator.iter_errors(named)]


def test_every_language_has_its_words_and_its_red_flags() -> None:
    lexicon = load()
    for tag in SUPPORTED:
        assert lexicon.spoken(tag)[0] in (tag, tag.split("-")[0])
        groups = {rule.group for rule in lexicon.rules if rule.id.startswith(f"{lexicon.spoken(tag)[0]}.")}
        assert groups >= {"resp", "neuro", "infect", "allergy", "bleed", "crisis"}


def test_a_script_comes_before_its_language() -> None:
    spoken = load().spoken
    assert spoken("zh-Hant") == ("zh-Hant", "zh-Hans", "en")
    assert spoken("zh-Hans")[0] == spoken("zh")[0] == "zh-Hans"
    assert spoken("zh-HK")[0] == "zh-Hant"
    assert spoken("fr-FR") == ("fr", "en")
    assert spoken("xx") == spoken("") == ("en",)
