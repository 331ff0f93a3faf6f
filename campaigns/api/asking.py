"""What every view of the API does around its one service call: who asks, whose rows, once, page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any, TypeVar
from uuid import UUID

from django.core import signing
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Header, Query
from ninja.security import HttpBearer
from pydantic import BaseModel

from campaigns.services import repeated
from campaigns.services.api_keys import Holder, UnknownKey, admit
from campaigns.services.looks import look
from campaigns.services.repeated import Given

M = TypeVar("M", bound=Model)

MOST = 200
"""Rows of one page at most."""

NAME = r"^[\x21-\x7e]{1,64}$"
Once = Annotated[str, Header(alias="Idempotency-Key", pattern=NAME)]
"""For what must not be done twice: without it the request is refused."""
MaybeOnce = Annotated[str | None, Header(None, alias="Idempotency-Key", pattern=NAME)]
"""For what does no harm when it is done twice."""
Limit = Annotated[int, Query(50, ge=1, le=MOST)]
Cursor = Annotated[str | None, Query(None, max_length=300)]


class Key(HttpBearer):
    """`Authorization: Bearer cmp_...`, with the scope that the view asks for."""

    def __init__(self, scope: str) -> None:
        super().__init__()
        self.scope = scope

    def authenticate(self, request: HttpRequest, token: str) -> Holder:
        """Raises UnknownKey, TooMany or ScopeMissing."""
        if not token.isascii() or "\x00" in token:
            raise UnknownKey
        found = admit(token)
        found.require(self.scope)
        return found


def holder(request: HttpRequest) -> Holder:
    """Who asks, as `Key` found them."""
    found = getattr(request, "auth", None)
    if not isinstance(found, Holder):
        raise UnknownKey
    return found


def one(rows: QuerySet[M], pk: object) -> M:
    """The row of that id among these, which are the clinic's own; what is not there or not theirs is 404."""
    return get_object_or_404(rows, pk=pk)


def seen(request: HttpRequest, page: str, whose: Iterable[UUID | None]) -> None:
    """Put on record whose data the answer shows."""
    look(f"api {page}", [who for who in whose if who], by=holder(request).name)


def shown(document: BaseModel, status: int = 200) -> HttpResponse:
    """One document as it goes out."""
    return HttpResponse(document.model_dump_json(), status=status, content_type="application/json")


def write(
    request: HttpRequest, name: str | None, act: Callable[[], BaseModel], status: int = 200
) -> HttpResponse:
    """Do it, or give the answer of when it was done under this name; `Idempotent-Replayed` says so."""
    if name is None:
        return shown(act(), status)
    given = repeated.once(
        holder(request).key,
        name,
        repeated.digest(request.method or "", request.get_full_path(), request.body),
        lambda: Given(status, act().model_dump_json()),
    )
    response = HttpResponse(given.body, status=given.status, content_type="application/json")
    if given.again:
        response.headers["Idempotent-Replayed"] = "true"
    return response


def page(
    rows: QuerySet[M], order: tuple[str, ...], limit: int, cursor: str | None
) -> tuple[list[M], str | None]:
    """Up to `limit` rows after the cursor, and the cursor after them; None at the end.

    By the values of the last row and not by counting, so that rows that come and go meanwhile shift nothing.
    """
    salt = f"api {rows.model._meta.db_table} {','.join(order)}"
    if cursor:
        rows = rows.filter(_after(order, signing.loads(cursor, salt=salt)))
    found = list(rows.order_by(*order)[: limit + 1])
    if len(found) <= limit:
        return found, None
    found = found[:limit]
    return found, signing.dumps([_plain(getattr(found[-1], name)) for name in order], salt=salt)


def _plain(value: Any) -> Any:
    return value if isinstance(value, int) else str(value)


def _after(order: tuple[str, ...], values: list[Any]) -> Q:
    """The rows that come after one: (a > x) or (a = x and b > y) ..."""
    condition, equal = Q(), Q()
    for name, value in zip(order, values, strict=True):
        condition |= equal & Q(**{f"{name}__gt": value})
        equal &= Q(**{name: value})
    return condition
