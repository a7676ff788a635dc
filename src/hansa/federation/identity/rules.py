"""Who may do what to the registry: one table (docs/reference/federation-api.md is made from it)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from hansa.federation.identity.model import Caller


class Right(Enum):
    """On what grounds somebody may do a thing to a target."""

    ANYONE = "whoever shows a valid credential"
    MEMBER = "members of the VO"
    SELF = "the person concerned"
    SPONSOR = "who answers for the robot concerned"
    GROUP_MANAGER = "managers of the group, or of one above"
    SOME_GROUP_MANAGER = "managers of any group of the VO"
    VO_ADMIN = "administrators of the VO"
    OPERATOR = "operators of the federation"


@dataclass(frozen=True, slots=True)
class Target:
    """What an action is done to: a VO, a group in it, a person (uid), who may be a robot with a sponsor (uid)."""

    vo: str | None = None
    group: str | None = None
    person: str | None = None
    sponsor: str | None = None


def _rights(*rights: Right) -> frozenset[Right]:
    return frozenset(rights) | {Right.OPERATOR}


_MANAGERS = _rights(Right.VO_ADMIN)

RULES: Mapping[str, frozenset[Right]] = {
    "vo:list": _rights(Right.ANYONE),
    "vo:create": _rights(),
    "vo:change": _MANAGERS,
    "group:list": _rights(Right.MEMBER),
    "group:add": _rights(Right.VO_ADMIN, Right.GROUP_MANAGER),
    "group:remove": _rights(Right.VO_ADMIN, Right.GROUP_MANAGER),
    "group:join": _rights(Right.VO_ADMIN, Right.GROUP_MANAGER),
    "group:leave": _rights(Right.VO_ADMIN, Right.GROUP_MANAGER, Right.SELF),
    "role:list": _rights(Right.MEMBER),
    "role:define": _MANAGERS,
    "role:grant": _MANAGERS,
    "role:revoke": _rights(Right.VO_ADMIN, Right.SELF),
    "member:list": _rights(Right.VO_ADMIN, Right.SOME_GROUP_MANAGER),
    "member:read": _rights(Right.VO_ADMIN, Right.SOME_GROUP_MANAGER, Right.SELF, Right.SPONSOR),
    "member:admit": _MANAGERS,
    "member:suspend": _MANAGERS,
    "member:restore": _MANAGERS,
    "member:renew": _MANAGERS,
    "member:remove": _rights(Right.VO_ADMIN, Right.SELF),
    "attribute:list": _rights(Right.MEMBER),
    "attribute:define": _MANAGERS,
    "attribute:set": _MANAGERS,
    "aup:read": _rights(Right.ANYONE),
    "aup:publish": _MANAGERS,
    "aup:accept": frozenset({Right.SELF, Right.SPONSOR}),
    "application:read": _MANAGERS,
    "application:decide": _MANAGERS,
    "person:list": _rights(),
    "person:create": _rights(),
    "person:read": _rights(Right.SELF, Right.SPONSOR),
    "person:change": _rights(Right.SELF),
    "person:erase": _rights(),
    "password:set": _rights(Right.SELF),
    "credential:list": _rights(Right.SELF, Right.SPONSOR),
    "credential:add": _rights(),
    "credential:link": frozenset({Right.SELF}),
    "credential:remove": _rights(Right.SELF, Right.SPONSOR),
    "credential:suspend": _rights(Right.SELF, Right.SPONSOR),
    "credential:restore": _rights(),
    "history:read": _MANAGERS,
    "history:own": _rights(Right.SELF),
    "history:all": _rights(),
}


def allowed(caller: Caller, action: str, target: Target) -> bool:
    return any(_holds(caller, right, target) for right in RULES[action])


def _holds(caller: Caller, right: Right, target: Target) -> bool:
    match right:
        case Right.ANYONE:
            return True
        case Right.OPERATOR:
            return caller.operator
        case Right.SELF:
            return caller.person is not None and caller.person.uid == target.person
        case Right.SPONSOR:
            return caller.person is not None and caller.person.uid == target.sponsor
        case Right.MEMBER:
            return target.vo is not None and caller.is_member(target.vo)
        case Right.VO_ADMIN:
            return target.vo is not None and caller.is_vo_admin(target.vo)
        case Right.SOME_GROUP_MANAGER:
            return target.vo is not None and bool(caller.managed(target.vo))
    return target.group is not None and caller.manages(target.group)
