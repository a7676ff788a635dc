"""Memberships: who joins a VO and its groups, holds its roles, is suspended, and leaves.

Each rule is part of a transaction of its caller's.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from hansa.base.errors import BadRequest
from hansa.federation.membership import persons, vos
from hansa.federation.membership.act import Act
from hansa.federation.membership.errors import AlreadyExists, NoSuchGroup, NoSuchMember, NoSuchRole, UndefinedRole
from hansa.federation.membership.model import GROUP_MANAGER, VO_ADMIN, Member, MemberState, RoleGrant
from hansa.federation.membership.names import ancestors, check_role, one_line
from hansa.federation.membership.store import members as store
from hansa.federation.membership.store import vos as vo_store
from hansa.federation.membership.vos import DAYS_MAX, find_group, find_vo, not_root
from hansa.standards.x509 import Name

Who = int | str | Name
"""A member: the number that listings show, the person's uid, or the subject of one of the member's certificates."""


class Default:
    """The end that the VO gives to its memberships."""


DEFAULT = Default()


def admit(act: Act, vo: str, person_uid: str, *, until: datetime | Default | None = DEFAULT) -> Member:
    """Make a person a member of a VO. Raises NoSuchVo, NoSuchPerson, AlreadyExists."""
    vo_id = find_vo(act.connection, vo)
    person = persons.get(act.connection, person_uid)
    if store.member_of(act.connection, vo_id, person.id) is not None:
        raise AlreadyExists(f"{person.name} is a member of {vo} already.")
    until = default_end(act.connection, vo, act.now) if isinstance(until, Default) else _checked(act, until)
    member = store.insert_member(act.connection, vo_id, person.id, act.now, until)
    act.note("member.added", vo=vo, person=person.uid, until=_text(until))
    return _one(act, member)


def _checked(act: Act, until: datetime | None) -> datetime | None:
    if until is not None and until > act.now + timedelta(days=DAYS_MAX):
        raise BadRequest("That end is further away than anybody can promise; leave it out for none.", field="until")
    return until


def default_end(connection: Connection, vo: str, start: datetime) -> datetime | None:
    """When a membership of that VO ends that begins, or is renewed, at `start`."""
    days = vos.get(connection, vo).profile.membership_days
    return start + timedelta(days=days) if days is not None else None


def suspend(act: Act, vo: str, who: Who, reason: str) -> Member:
    reason = one_line(reason, "reason", 500)
    if not reason:
        raise BadRequest("A suspension needs a reason: the member will read it.", field="reason")
    member = find(act.connection, vo, who)
    store.update_member(act.connection, member, state=MemberState.SUSPENDED.value, reason=reason)
    return _noted(act, member, "member.suspended", reason=reason)


def restore(act: Act, vo: str, who: Who) -> Member:
    member = find(act.connection, vo, who)
    store.update_member(act.connection, member, state=MemberState.ACTIVE.value, reason="")
    return _noted(act, member, "member.restored")


def set_until(act: Act, vo: str, who: Who, until: datetime | None) -> Member:
    member, until = find(act.connection, vo, who), _checked(act, until)
    store.update_member(act.connection, member, until=until, announced="")
    return _noted(act, member, "member.renewed", until=_text(until))


def remove(act: Act, vo: str, who: Who) -> None:
    member = _one(act, find(act.connection, vo, who))
    store.delete_member(act.connection, member.id)
    act.note("member.removed", vo=vo, person=member.person.uid)


def join(act: Act, vo: str, who: Who, path: str, until: datetime | None = None) -> Member:
    """Into a group and those above it, until then if an end is given. Raises AlreadyExists if in it already.

    Who drops out of a group drops out of those below it, also when it was time that ended it.
    """
    vo_id, member = find_vo(act.connection, vo), _one(act, find(act.connection, vo, who))
    find_group(act.connection, vo_id, path)
    until = _checked(act, until)
    if path in member.groups:
        raise AlreadyExists(f"The member is in {path} already.")
    for each in (*ancestors(path), path):
        if each in member.groups:
            continue
        group = find_group(act.connection, vo_id, each)
        if not store.join(act.connection, member.id, group, until):  # it has ended, and nobody swept yet
            store.set_group_until(act.connection, member.id, group, until)
        act.note("group.joined", vo=vo, person=member.person.uid, group=each, until=_text(until))
    return _one(act, member.id)


def set_group_until(act: Act, vo: str, who: Who, path: str, until: datetime | None) -> Member:
    """Move the end of a membership of a group. Raises NoSuchGroup if not in it."""
    not_root(vo, path)
    vo_id, member = find_vo(act.connection, vo), _one(act, find(act.connection, vo, who))
    group = find_group(act.connection, vo_id, path)
    if path not in member.groups:
        raise NoSuchGroup(f"The member is not in {path}.")
    store.set_group_until(act.connection, member.id, group, _checked(act, until))
    return _noted(act, member.id, "group.renewed", group=path, until=_text(until))


def leave(act: Act, vo: str, who: Who, path: str) -> Member:
    """Out of a group and those below it, with the roles there. Raises NoSuchGroup if not in it."""
    not_root(vo, path)
    vo_id, member = find_vo(act.connection, vo), find(act.connection, vo, who)
    left = store.leave(act.connection, vo_id, member, path)
    if not left:
        raise NoSuchGroup(f"The member is not in {path}.")
    for group in left:
        _noted(act, member, "group.left", group=group)
    return _one(act, member)


def grant(act: Act, vo: str, who: Who, role: RoleGrant) -> Member:
    """A role in a group that the member is in. Raises InvalidName, UndefinedRole, NoSuchGroup, AlreadyExists."""
    check_role(role.role)
    vo_id, member = find_vo(act.connection, vo), _one(act, find(act.connection, vo, who))
    _is_defined(act.connection, vo_id, role.role)
    group = find_group(act.connection, vo_id, role.group)
    if role.group not in member.groups:
        raise NoSuchGroup(f"The member is not in {role.group}; add them to the group first.")
    if not store.insert_role(act.connection, member.id, group, role.role):
        raise AlreadyExists(f"The member holds {role} already.")
    return _noted(act, member.id, "role.granted", group=role.group, role=role.role)


def revoke(act: Act, vo: str, who: Who, role: RoleGrant) -> Member:
    """Raises NoSuchRole."""
    vo_id, member = find_vo(act.connection, vo), find(act.connection, vo, who)
    if not store.delete_role(act.connection, member, find_group(act.connection, vo_id, role.group), role.role):
        raise NoSuchRole(f"The member does not hold {role}.")
    return _noted(act, member, "role.revoked", group=role.group, role=role.role)


def _is_defined(connection: Connection, vo_id: int, role: str) -> None:
    defined = {each.name for each in vo_store.role_list(connection, vo_id)}
    if defined and role not in defined | {VO_ADMIN, GROUP_MANAGER}:
        raise UndefinedRole(f"The VO defines no role {role}; it has {', '.join(sorted(defined))}.")


def get(connection: Connection, vo: str, who: Who, now: datetime) -> Member:
    """Raises NoSuchVo, NoSuchMember."""
    return store.load_members(connection, [find(connection, vo, who)], now)[0]


def find(connection: Connection, vo: str, who: Who) -> int:
    """The member's number. Raises NoSuchVo, NoSuchMember."""
    found = _matching(connection, find_vo(connection, vo), who)
    if not found:
        raise NoSuchMember(f"{who} is not a member of {vo}.")
    if len(found) > 1:
        raise BadRequest("Several members have that subject, from different authorities; give the member's number.")
    return found[0]


def _matching(connection: Connection, vo_id: int, who: Who) -> Sequence[int]:
    if isinstance(who, int):
        return [who] if store.has_member(connection, vo_id, who) else []
    if isinstance(who, str):
        member = store.member_of_uid(connection, vo_id, who)
        return [] if member is None else [member]
    return store.member_ids(connection, vo_id, who)


def _one(act: Act, member: int) -> Member:
    return store.load_members(act.connection, [member], act.now)[0]


def _noted(act: Act, number: int, event: str, **details: object) -> Member:
    """Note what happened to a member; gives the member as they are now."""
    member = _one(act, number)
    act.note(event, vo=member.vo, person=member.person.uid, **details)
    return member


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
