"""Refusals of propagation."""

from hansa.base.errors import BackendDown, BadRequest, Conflict, NotFound, TooManyRequests, Unauthenticated


class NoSuchSite(NotFound):
    code = "propagation.no_such_site"


class SiteExists(Conflict):
    code = "propagation.exists"


class UnknownSite(Unauthenticated):
    """The certificate or token belongs to no registered site. `details["reason"]` holds the broken rule, if there is one."""

    code = "propagation.unknown_site"


class NotReady(BackendDown):
    """The registry is being read for the first time: what there is so far is not the whole."""

    code = "propagation.not_ready"


class BadWish(BadRequest):
    """The place in the feed that was asked for is no such thing."""

    code = "propagation.wish"


class TooManyWaiting(TooManyRequests):
    """One site holds more connections open than it needs."""

    code = "propagation.too_many_waiting"


class InvalidSite(BadRequest):
    """A site as it cannot be registered; `field` says what is wrong."""

    code = "propagation.invalid_site"
