"""Forms of the import pages: the file, what its columns hold, and what is to be sent."""

from __future__ import annotations

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from campaigns.domain.import_terms import Column
from campaigns.domain.languages import SUPPORTED
from campaigns.models import Clinic, Import
from campaigns.queries import sequence_files
from campaigns.services import import_files
from campaigns.services.import_files import Said
from campaigns.web.filters import language
from campaigns.web.import_words import COLUMNS, ORDERS
from campaigns.web.names import sequence_title


class UploadForm(forms.Form):
    """A file, and where it comes from."""

    source = forms.CharField(
        label=_("Where the file comes from"),
        max_length=40,
        help_text=_("For example: Jane. Use the same name each time: visits and columns are known by it."),
        widget=forms.TextInput(attrs={"list": "sources", "autocomplete": "off"}),
    )
    file = forms.FileField(
        label=_("The file (.csv or .ics)"),
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.tsv,.ics,text/csv,text/calendar"}),
    )


class ColumnsForm(forms.Form):
    """What each column of a table holds; of a calendar, only what is to be sent."""

    order = forms.ChoiceField(
        label=_("How dates are written"),
        required=False,
        choices=[("", _("It can be seen from the dates")), *ORDERS.items()],
        help_text=_("03/04/2026 may be 3 April or March 4: then we ask and never guess."),
    )
    language = forms.ChoiceField(
        label=_("Language of patients whose row has none"),
        required=False,
    )
    sequences = forms.MultipleChoiceField(
        label=_("Messages to send to new patients"),
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )

    def __init__(self, clinic: Clinic, of: Import, data: QueryDict | None = None) -> None:
        titles = {key: sequence_title(key, one.title) for key, one in sequence_files.load_all().items()}
        initial = {
            "order": of.date_order,
            "language": of.language,
            "sequences": of.sequences or list(titles),
            **{f"column-{place}": name for place, name in enumerate(of.columns)},
        }
        super().__init__(data, initial=initial)
        tags = [tag for tag in clinic.languages or SUPPORTED if tag in SUPPORTED]
        self.fields["language"].choices = [  # type: ignore[attr-defined]
            ("", _("None: such a row cannot be taken")),
            *((tag, language(tag)) for tag in tags),
        ]
        self.fields["sequences"].choices = list(titles.items())  # type: ignore[attr-defined]
        self.version = of.version
        self.names = import_files.header(of) if of.columns else []
        choices = [("", _("Leave out")), *COLUMNS.items()]
        for place, name in enumerate(self.names):
            field = forms.ChoiceField(label=name, choices=choices, required=False)
            self.fields[f"column-{place}"] = field

    def said(self, version: str) -> Said:
        """What staff say. Call on a valid form; `version` is the one that came with it."""
        data = self.cleaned_data
        held = [data[f"column-{place}"] for place in range(len(self.names))]
        return Said(
            columns=tuple(Column(name) if name else None for name in held),
            order=data["order"],
            language=data["language"],
            sequences=data["sequences"],
            version=int(version) if version.isdecimal() else 0,
        )
