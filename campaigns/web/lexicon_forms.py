"""Forms of the word-list pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy as _p

from campaigns.domain.own_words import Change, Kind, clean
from campaigns.services.own_words import LONGEST_COMMENT, LONGEST_REASON, MOST_AT_ONCE
from campaigns.services.understand import LONGEST_BODY
from campaigns.web.lexicon_names import GROUPS, entry_name, grouped, questions

KINDS = [(Kind.ADD.value, _("Add to the list")), (Kind.REMOVE.value, _("Take away from the list"))]
LONGEST_WORDS = 20_000


class TryForm(forms.Form):
    """A reply to try. Nothing of it is kept."""

    text = forms.CharField(
        label=_("What a patient might write"),
        max_length=LONGEST_BODY,
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
    )
    question = forms.ChoiceField(label=_("Open question"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["question"].choices = questions()  # type: ignore[attr-defined]


class ProposalForm(forms.Form):
    """Words for one list, one a line, and why."""

    place = forms.ChoiceField(label=_p("word list", "List"))
    kind = forms.ChoiceField(
        label=_("What to do"), choices=KINDS, initial=Kind.ADD.value, widget=forms.RadioSelect
    )
    words = forms.CharField(
        label=_("Words or terms, one on each line"),
        max_length=LONGEST_WORDS,
        widget=forms.Textarea(attrs={"rows": 5, "dir": "auto", "spellcheck": "false"}),
    )
    reason = forms.CharField(
        label=_("Why"),
        max_length=LONGEST_REASON,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Needed to take a word away, and for words that can hide a danger or an opt-out."),
    )

    def __init__(self, places: Sequence[tuple[str, str]], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["place"].choices = [  # type: ignore[attr-defined]
            (str(GROUPS[group][0]), [(f"{file}:{entry}", entry_name(entry)) for file, entry in listed])
            for group, listed in grouped(places).items()
        ]

    def changes(self) -> list[tuple[int, Change]]:
        """Each word with its line. Call on a valid form."""
        file, _colon, entry = self.cleaned_data["place"].partition(":")
        kind = Kind(self.cleaned_data["kind"])
        typed = enumerate(self.cleaned_data["words"].replace("\x00", "").split("\n"), 1)
        return [
            (number, Change(language=file, entry=entry, word=clean(line), kind=kind))
            for number, line in typed
            if clean(line)
        ]

    def clean_words(self) -> str:
        """At least one word, and not too many."""
        typed = str(self.cleaned_data["words"])
        number = sum(bool(clean(line)) for line in typed.split("\n"))
        if not 1 <= number <= MOST_AT_ONCE:
            raise forms.ValidationError(_("Write at least one word, and no more than 200."))
        return typed


class RemarkForm(forms.Form):
    """A remark about a proposed word."""

    said = forms.CharField(
        label=_("Comment"),
        max_length=LONGEST_COMMENT,
        widget=forms.Textarea(attrs={"rows": 2, "dir": "auto"}),
    )


class ListFileForm(forms.Form):
    """A speaker's file."""

    file = forms.FileField(label=_("File (.yaml)"), allow_empty_file=True)


class ReasonForm(forms.Form):
    """Why all the words of a file are proposed."""

    reason = forms.CharField(
        label=_("Why"), max_length=LONGEST_REASON, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
