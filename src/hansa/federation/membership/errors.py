"""Refusals of membership."""

from hansa.base.errors import BadRequest, Conflict, NotFound


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
