"""The sequence files that ship, read once a process."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType

from campaigns.domain.errors import InvalidSequence, UnknownSequence
from campaigns.domain.sequences import Sequence, parse
from campaigns.domain.vocabulary import Question, Setting, Vocabulary, parse_questions, parse_settings

FOLDER = files("campaigns").joinpath("sequences")


@lru_cache(maxsize=1)
def vocabulary() -> Vocabulary:
    """The questions and settings that sequence files may name. Raises `InvalidSequence`."""
    folder = FOLDER.joinpath("vocabulary")
    questions = folder.joinpath("questions.yaml").read_text(encoding="utf-8")
    settings = folder.joinpath("settings.yaml").read_text(encoding="utf-8")
    return Vocabulary(
        questions=parse_questions(questions, "questions.yaml"),
        settings=parse_settings(settings, "settings.yaml"),
    )


def questions() -> Mapping[str, Question]:
    """Every question by name."""
    return vocabulary().questions


def settings() -> Mapping[str, Setting]:
    """Every clinic setting by name, with its default."""
    return vocabulary().settings


@lru_cache(maxsize=1)
def load_all() -> Mapping[str, Sequence]:
    """Every sequence by name. Raises `InvalidSequence` with all faults of all files."""
    found: dict[str, Sequence] = {}
    faults: list[str] = []
    for path in sorted(FOLDER.iterdir(), key=lambda path: path.name):
        if path.name.endswith(".yaml"):
            try:
                found[path.name.removesuffix(".yaml")] = _read(path.name, path.read_text(encoding="utf-8"))
            except InvalidSequence as error:
                faults.append(str(error))
    if faults:
        raise InvalidSequence("\n".join(faults))
    return MappingProxyType(found)


def _read(name: str, text: str) -> Sequence:
    sequence = parse(text, name, vocabulary())
    if f"{sequence.key}.yaml" != name:
        raise InvalidSequence(f"{name}:1: the key is {sequence.key}. Call the file {sequence.key}.yaml.")
    return sequence


def load(key: str) -> Sequence:
    """The sequence of that name. Raises `UnknownSequence`, naming those there are."""
    sequences = load_all()
    if key not in sequences:
        raise UnknownSequence(f"There is no sequence {key}. There are: {', '.join(sequences)}.")
    return sequences[key]


def schema() -> str:
    """The JSON Schema of a sequence file, for editors."""
    return FOLDER.joinpath("schema.json").read_text(encoding="utf-8")
