"""Lists travel to PostgreSQL as one literal, and arrive as they were."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.db import connection
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from campaigns.queries.hot import array

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


def arrived(kind: str, literal: str) -> list[object]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT %s::{kind}[]", [literal])
        found: list[object] = cursor.fetchone()[0]
    return found


class ArraysArrive(TestCase):
    @given(st.lists(st.none() | TEXTS, max_size=8))
    @example(['"', "\\", "NULL", "", "a,b", "{}", " x ", None])
    def test_texts(self, texts: list[str | None]) -> None:
        assert arrived("text", array(texts)) == texts


@pytest.mark.django_db
def test_numbers_and_ids() -> None:
    one = UUID(int=1)
    assert arrived("bigint", array([1, 2**40])) == [1, 2**40]
    assert arrived("uuid", array([one])) == [one]
    assert arrived("text", array([])) == []
