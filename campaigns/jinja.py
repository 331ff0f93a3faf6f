"""The Jinja2 environment of our own pages. Patient texts have another one, in delivery/rendering.py."""

from __future__ import annotations

from typing import Any

from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext, ngettext, npgettext, pgettext
from jinja2 import Environment, StrictUndefined

from campaigns.web import filters, names


def environment(**options: Any) -> Environment:
    """Escaping is on, an undefined name is an error, and texts go through gettext."""
    options["undefined"] = StrictUndefined
    options["trim_blocks"] = options["lstrip_blocks"] = True
    env = Environment(extensions=["jinja2.ext.i18n"], **options)  # noqa: S701  Django passes autoescape=True
    env.install_gettext_callables(  # type: ignore[attr-defined]
        gettext, ngettext, newstyle=True, pgettext=pgettext, npgettext=npgettext
    )
    env.globals.update(static=static, url=reverse, colon=names.colon)
    env.filters.update(filters.FILTERS)
    return env
