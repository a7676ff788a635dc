"""VOs, groups and the roles they define: what they are called, how they come and go."""

from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import Connection

from hansa.base.errors import BadRequest
from hansa.federation.membership.act import Act
from hansa.federation.membership.errors import AlreadyExists, HasMembers, NoSuchGroup, NoSuchRole, NoSuchVo, RootGroup
from hansa.federation.membership.model import Role, Vo, VoProfile
from hansa.federation.membership.names import check_email, check_group, check_role, check_url, check_vo, one_line, prose
from hansa.federation.membership.store import members as member_store
from hansa.federation.membership.store import vos as store

TEXT_MAX = 4000
DAYS_MAX = 36_500


def find_vo(connection: Connection, name: str) -> int:
    """Raises NoSuchVo."""
    found = store.number(connection, name)
    if found is None:
        raise NoSuchVo(f"There is no VO {name}.")
    return found


def find_group(connection: Connection, vo_id: int, path: str) -> int:
    """Raises NoSuchGroup."""
    found = store.group_id(connection, vo_id, path)
    if found is None:
        raise NoSuchGroup(f"There is no group {path}.")
    return found


def get(connection: Connection, name: str) -> Vo:
    found = store.every(connection, name)
    if not found:
        raise NoSuchVo(f"There is no VO {name}.")
    return found[0]


def create_vo(act: Act, name: str, profile: VoProfile) -> None:
    check_vo(name)
    if store.number(act.connection, name) is not None:
        raise AlreadyExists(f"There is a VO {name} already.")
    store.insert(act.connection, name, act.now, _checked(profile))
    act.note("vo.created", vo=name)


def set_profile(act: Act, name: str, profile: VoProfile, expected: Callable[[Vo], None] | None = None) -> Vo:
    """`expected` is shown what is there and may raise."""
    before, profile = get(act.connection, name), _checked(profile)
    if expected:
        expected(before)
    changed = {
        field: getattr(profile, field)
        for field in VoProfile.__dataclass_fields__
        if getattr(profile, field) != getattr(before.profile, field)
    }
    if changed:
        vo_id = find_vo(act.connection, name)
        store.set_profile(act.connection, vo_id, profile)
        member_store.announce_anew(act.connection, vo_id)
        act.note("vo.changed", vo=name, **changed)
    return get(act.connection, name)


def remove_vo(act: Act, name: str) -> None:
    """Raises HasMembers: a VO with people in it does not go by one command."""
    vo_id = find_vo(act.connection, name)
    if member_store.has_any(act.connection, vo_id):
        raise HasMembers(f"{name} has members; remove them first.")
    store.delete(act.connection, vo_id)
    act.note("vo.removed", vo=name)


def add_group(act: Act, vo: str, path: str, description: str) -> None:
    check_group(vo, path)
    vo_id = find_vo(act.connection, vo)
    if store.group_id(act.connection, vo_id, path) is not None:
        raise AlreadyExists(f"There is a group {path} already.")
    find_group(act.connection, vo_id, path.rpartition("/")[0])
    store.insert_group(act.connection, vo_id, path, prose(description, "description", TEXT_MAX))
    act.note("group.added", vo=vo, group=path)


def describe_group(act: Act, vo: str, path: str, description: str) -> None:
    group = find_group(act.connection, find_vo(act.connection, vo), path)
    store.describe_group(act.connection, group, prose(description, "description", TEXT_MAX))
    act.note("group.changed", vo=vo, group=path)


def remove_group(act: Act, vo: str, path: str) -> None:
    not_root(vo, path)
    vo_id = find_vo(act.connection, vo)
    find_group(act.connection, vo_id, path)
    store.delete_groups(act.connection, vo_id, path)
    act.note("group.removed", vo=vo, group=path)


def define_role(act: Act, vo: str, role: Role) -> None:
    """From the first one on, only defined roles are granted, and VO-Admin and Group-Manager."""
    check_role(role.name)
    role = replace(role, description=prose(role.description, "description", TEXT_MAX))
    store.define_role(act.connection, find_vo(act.connection, vo), role)
    act.note("role.defined", vo=vo, role=role.name)


def undefine_role(act: Act, vo: str, name: str) -> None:
    """Those who hold it keep it."""
    if not store.undefine_role(act.connection, find_vo(act.connection, vo), name):
        raise NoSuchRole(f"The VO defines no role {name}.")
    act.note("role.undefined", vo=vo, role=name)


def not_root(vo: str, path: str) -> None:
    check_group(vo, path)
    if path == f"/{vo}":
        raise RootGroup("The VO's own group comes and goes with the VO and its members.")


def _checked(profile: VoProfile) -> VoProfile:
    for field in ("membership_days", "grace_days", "removal_days", "aup_days", "aup_grace_days"):
        days = getattr(profile, field)
        least = 1 if field in ("membership_days", "aup_days") else 0
        if days is not None and not least <= days <= DAYS_MAX:
            raise BadRequest(f"{least} to {DAYS_MAX} days, please.", field=field)
    return replace(
        profile,
        description=prose(profile.description, "description", TEXT_MAX),
        homepage=check_url(profile.homepage, "homepage"),
        contact=check_email(one_line(profile.contact, "contact", 254)),
    )
