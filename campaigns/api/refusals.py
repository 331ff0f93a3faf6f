"""What views, rules and the framework raise, as problem documents."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.exceptions import ObjectDoesNotExist
from django.core.signing import BadSignature
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from campaigns.api.problems import TITLES, problem, unauthorised
from campaigns.domain.errors import CampaignsError, NotAllowed
from campaigns.services.api_keys import ScopeMissing, TooMany, UnknownKey
from campaigns.services.repeated import OtherRequest


def _malformed(error: ValidationError) -> HttpResponse:
    errors = [{"where": _where(one["loc"]), "problem": str(one["msg"])} for one in error.errors]
    return problem(400, "Some of it is not as the API's description says.", errors=errors)


def _where(place: Sequence[object]) -> str:
    """`body.visits.0.date`: where in the request, without ninja's name of the parameter."""
    source, *rest = [str(part) for part in place]
    return ".".join([source, *(rest[1:] if source == "body" and len(rest) > 1 else rest)])


def _status_of(error: CampaignsError) -> int:
    match error:
        case ScopeMissing():
            return 403
        case NotAllowed():
            return 409
    return 422


def _refused(error: CampaignsError) -> HttpResponse:
    match error:
        case UnknownKey():
            return unauthorised()
        case TooMany():
            return problem(429, str(error), headers={"Retry-After": str(error.wait)})
        case OtherRequest():
            return problem(422, str(error))
    return problem(_status_of(error), str(error))


def answer(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    """The problem document for what a view or the framework raised."""
    match error:
        case CampaignsError():
            return _refused(error)
        case ValidationError():
            return _malformed(error)
        case AuthenticationError():
            return unauthorised()
        case HttpError():
            return problem(error.status_code if error.status_code in TITLES else 400, str(error))
        case BadSignature():
            return problem(422, "This cursor is not one of ours, or belongs to another list.")
    return problem(404)


def install(api: NinjaAPI) -> None:
    """Have every refusal of an API answered here."""
    for kind in (CampaignsError, ValidationError, HttpError, BadSignature, Http404, ObjectDoesNotExist):
        api.add_exception_handler(kind, answer)
