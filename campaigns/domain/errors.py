"""Every error that a person may have to act on. The docstring is the default message."""

from __future__ import annotations


class CampaignsError(Exception):
    """Something went wrong."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip())


class InvalidAddress(CampaignsError):
    """This is not an address we can send to."""


class UnknownLanguage(CampaignsError):
    """We have no texts in this language."""


class InvalidSequence(CampaignsError):
    """The sequence file does not follow the schema."""


class UnknownSequence(CampaignsError):
    """There is no sequence of that name."""


class UnknownStep(CampaignsError):
    """The sequence has no step of that name."""


class TemplateMissing(CampaignsError):
    """The step has no template for this channel."""


class TranslationMissing(CampaignsError):
    """The text is not translated into this language."""


class RenderError(CampaignsError):
    """The template could not be filled in."""


class InvalidVisit(CampaignsError):
    """The visit cannot be booked like this."""


class InvalidEnrollment(CampaignsError):
    """The patient cannot be enrolled like this."""


class NotAllowed(CampaignsError):
    """This is not allowed now."""
