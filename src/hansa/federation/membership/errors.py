"""Refusals of membership."""

from hansa.base.errors import BadRequest, Conflict, Forbidden, NotFound


class NoSuchVo(NotFound):
    code = "membership.no_such_vo"


class NoSuchMember(NotFound):
    code = "membership.no_such_member"


class NoSuchGroup(NotFound):
    code = "membership.no_such_group"


class NoSuchRole(NotFound):
    """The member does not hold that role there."""

    code = "membership.no_such_role"


class InvalidName(BadRequest):
    """A VO, group or role whose name cannot stand in a FQAN."""

    code = "membership.invalid_name"


class AlreadyExists(Conflict):
    code = "membership.exists"


class CredentialTaken(Conflict):
    """The certificate belongs to another person."""

    code = "membership.credential_taken"


class RootGroup(Conflict):
    """The VO's own group comes and goes with the VO and its members."""

    code = "membership.root_group"


class NotAMember(Forbidden):
    code = "membership.not_a_member"


class MemberSuspended(Forbidden):
    """`details["reason"]` is the reason the VO's managers gave."""

    code = "membership.suspended"


class MembershipEnded(Forbidden):
    code = "membership.ended"


class NotHeld(BadRequest):
    """A group or role that the member does not hold. `details["wanted"]` names it."""

    code = "membership.not_held"


class LimitedCredential(Forbidden):
    """A limited proxy was delegated to look around with; it gets no roles."""

    code = "membership.limited_proxy"


class TooManyRequests(Forbidden):
    """One certificate asks more often than people and their robots do."""

    code = "membership.too_many_requests"
    status = 429


class NotACertificate(BadRequest):
    code = "membership.not_a_certificate"


class NoSuchPerson(NotFound):
    code = "membership.no_such_person"


class NoSuchCredential(NotFound):
    code = "membership.no_such_credential"


class CredentialSuspended(Forbidden):
    """One certificate of a member's; the others go on. `details["reason"]` is the reason that was given."""

    code = "membership.credential_suspended"


class HasMembers(Conflict):
    code = "membership.has_members"


class UndefinedRole(BadRequest):
    """The VO has defined its roles, and this is none of them."""

    code = "membership.undefined_role"


class NoSuchAttribute(NotFound):
    """The VO has not defined that generic attribute, or nobody has given it a value there."""

    code = "membership.no_such_attribute"


class ValueTaken(Conflict):
    """Another member has that value of an attribute whose values are unique."""

    code = "membership.value_taken"


class NoPolicy(NotFound):
    """The VO has no acceptable use policy, or none of that version."""

    code = "membership.no_policy"


class PolicyOverdue(Forbidden):
    """The VO's acceptable use policy was not accepted in time. `details["version"]` names its newest version."""

    code = "membership.aup_overdue"


class LinkRefused(Forbidden):
    """The token is unknown, used or too old."""

    code = "membership.link_refused"
