"""Refusals of enrolment."""

from hansa.base.errors import BadRequest, Conflict, Forbidden, HansaError, NotFound, TooManyRequests


class FormInvalid(BadRequest):
    """`details["fields"]` tells for each field what is wrong with it."""

    code = "enrolment.form"


class RulesInvalid(BadRequest):
    """The rules of a VO do not say what they should. `details["field"]` names the first mistake."""

    code = "enrolment.rules"


class NoSuchApplication(NotFound):
    code = "enrolment.no_such_application"


class NotNow(Conflict):
    """The application's state does not allow that step. `details["state"]` is the state."""

    code = "enrolment.not_now"


class AlreadyApplied(Conflict):
    """There is an open application of this person. `details["application"]` is its number."""

    code = "enrolment.already_applied"


class NotYours(Forbidden):
    """Only the VO's managers decide, and nobody decides on their own application."""

    code = "enrolment.not_yours"


class LinkInvalid(NotFound):
    """No such link, or it was replaced by a later one."""

    code = "enrolment.link_invalid"


class LinkExpired(HansaError):
    """The link was good once. `details["used"]` tells whether it has done its work."""

    code = "enrolment.link_expired"
    status = 410


class TooOften(TooManyRequests):
    """More applications or letters than people need."""

    code = "enrolment.too_often"


class NoRenewal(Conflict):
    """The membership has no end, or it is too early to move it."""

    code = "enrolment.no_renewal"
