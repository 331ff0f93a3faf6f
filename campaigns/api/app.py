"""The API as one piece: its routers, and its description (OpenAPI 3.1)."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from django.urls import URLPattern, URLResolver
from ninja import NinjaAPI
from ninja.operation import Operation

from campaigns.api import alerts, courses, enrollments, messages, patients, problems, refusals, webhooks

PREFIX = "api/v1/"
ABOUT = (
    "Patients, courses, visits, enrollments, messages, answers and alerts of one clinic. A key belongs to "
    "one clinic and has scopes; what belongs to another clinic does not exist (404). Lists go page by page: "
    "pass `next` as `cursor`. Send `Idempotency-Key` with a write: the same request under the same one is "
    "done once and answered twice. Every refusal is a problem document (RFC 9457). See docs/api.md."
)
REFUSALS = (400, 401, 403, 404, 405, 409, 413, 422, 429, 500, 503)


class Api(NinjaAPI):
    """Names operations by their views alone, as programs that are made from the description show them."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        return operation.view_func.__name__


api = Api(
    title="campaigns",
    version="1",
    description=ABOUT,
    urls_namespace="api-1",
    openapi_url=None,
    docs_url=None,
)
refusals.install(api)
api.add_router("/patients", patients.router)
api.add_router("/courses", courses.router)
api.add_router("/visits", courses.visit_router)
api.add_router("/enrollments", enrollments.router)
api.add_router("/sequences", enrollments.sequence_router)
api.add_router("/messages", messages.router)
api.add_router("/answers", messages.answer_router)
api.add_router("/alerts", alerts.router)
api.add_router("/webhooks", webhooks.router)


def patterns() -> list[URLResolver | URLPattern]:
    """The routes below the prefix."""
    return list(api.urls[0])


@cache
def description() -> str:
    """The OpenAPI document, with what may be refused on every operation."""
    document: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema(path_prefix=PREFIX), default=str))
    document["components"]["schemas"]["Problem"] = _PROBLEM
    document["components"]["responses"] = {
        f"Refused{status}": {
            "description": problems.TITLES[status],
            "content": {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in REFUSALS
    }
    for operations in document["paths"].values():
        for operation in operations.values():
            operation["parameters"] = [_never_null(one) for one in operation["parameters"]]
            for status in REFUSALS:
                reference = {"$ref": f"#/components/responses/Refused{status}"}
                operation["responses"].setdefault(str(status), reference)
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _never_null(parameter: dict[str, Any]) -> dict[str, Any]:
    """A parameter that is not needed is left out; none can be null in an address or a header."""
    schema = parameter["schema"]
    if "anyOf" not in schema:
        return parameter
    [kind] = [one for one in schema["anyOf"] if one != {"type": "null"}]
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    return {**parameter, "schema": {**rest, **kind}}


_PROBLEM = {
    "type": "object",
    "description": "What was refused and why (RFC 9457). It never repeats what was sent.",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["where", "problem"],
                "properties": {"where": {"type": "string"}, "problem": {"type": "string"}},
            },
        },
    },
}
