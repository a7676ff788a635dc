"""Refusals of accounts."""

from hansa.base.errors import BackendDown, BadRequest, Conflict, NotFound


class DocumentRefused(BadRequest):
    """A document of the feed that is not taken; `details["reason"]` holds the broken rule."""

    code = "accounts.document_refused"


class OutOfPlace(Conflict):
    """The page does not follow the last one: something is missing, or was told before."""

    code = "accounts.out_of_place"


class Diverged(Conflict):
    """What we know is not what the federation says we should: we begin anew."""

    code = "accounts.diverged"


class NotHeld(NotFound):
    code = "accounts.not_held"


class NoFeed(BackendDown):
    """The federation does not give us its feed."""

    code = "accounts.no_feed"
