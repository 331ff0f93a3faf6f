"""The forms of a page as a browser has them: whoever adds a field to a page has it tried here."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

TYPED = {"text", "email", "tel", "search", "url", "password", "file", ""}
"""Kinds of an input that takes what somebody types."""


@dataclass(slots=True)
class Form:
    """One form: where it goes, what it would send as it stands, what can be typed, its buttons."""

    action: str
    values: dict[str, str] = field(default_factory=dict)
    typed: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Forms(HTMLParser):
    def __init__(self, path: str) -> None:
        super().__init__(convert_charrefs=True)
        self.path = path
        self.found: list[Form] = []
        self.form: Form | None = None
        self.area = self.select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if tag == "form" and named.get("method", "").lower() == "post":
            self.form = Form(named.get("action") or self.path)
            self.found.append(self.form)
        elif self.form is None:
            return
        else:
            self._part(self.form, tag, named)

    def _part(self, form: Form, tag: str, named: dict[str, str]) -> None:
        if tag == "input":
            self._input(form, named)
        elif tag == "textarea":
            self.area = named.get("name", "")
            form.typed[self.area] = "textarea"
            form.values[self.area] = ""
        elif tag == "select":
            self.select = named.get("name", "")
        elif tag == "option" and self.select:
            if self.select not in form.values or "selected" in named:
                form.values[self.select] = named.get("value", "")
        elif tag == "button" and named.get("name"):
            form.buttons.append((named["name"], named.get("value", "")))

    def _input(self, form: Form, named: dict[str, str]) -> None:
        name, kind = named.get("name", ""), named.get("type", "").lower()
        if not name or kind in {"submit", "button"}:
            return
        if kind in TYPED:
            form.typed[name] = kind
        if kind == "radio":
            if name not in form.values or "checked" in named:
                form.values[name] = named.get("value", "on")
        elif kind != "checkbox" or "checked" in named:
            form.values[name] = named.get("value", "on" if kind == "checkbox" else "")

    def handle_endtag(self, tag: str) -> None:
        self.form = None if tag == "form" else self.form
        self.area = "" if tag == "textarea" else self.area
        self.select = "" if tag == "select" else self.select

    def handle_data(self, data: str) -> None:
        if self.form is not None and self.area:
            self.form.values[self.area] += data


def forms_of(html: str, path: str) -> list[Form]:
    """Every form of a page that is posted."""
    page = _Forms(path)
    page.feed(html)
    page.close()
    return page.found
