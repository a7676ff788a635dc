"""VOs and groups: what they are called, how they come and go."""

from sqlalchemy import Connection

from hansa.federation.membership.act import Act
from hansa.federation.membership.errors import AlreadyExists, NoSuchGroup, NoSuchVo, RootGroup
from hansa.federation.membership.names import check_group, check_vo
from hansa.federation.membership.store import members as store


def find_vo(connection: Connection, name: str) -> int:
    """Raises NoSuchVo."""
    found = store.vo_id(connection, name)
    if found is None:
        raise NoSuchVo(f"There is no VO {name}.")
    return found


def find_group(connection: Connection, vo_id: int, path: str) -> int:
    """Raises NoSuchGroup."""
    found = store.group_id(connection, vo_id, path)
    if found is None:
        raise NoSuchGroup(f"There is no group {path}.")
    return found


def create_vo(act: Act, name: str) -> None:
    check_vo(name)
    if store.vo_id(act.connection, name) is not None:
        raise AlreadyExists(f"There is a VO {name} already.")
    store.insert_vo(act.connection, name, act.now)
    act.note("vo.created", vo=name)


def add_group(act: Act, vo: str, path: str) -> None:
    check_group(vo, path)
    vo_id = find_vo(act.connection, vo)
    if store.group_id(act.connection, vo_id, path) is not None:
        raise AlreadyExists(f"There is a group {path} already.")
    find_group(act.connection, vo_id, path.rpartition("/")[0])
    store.insert_group(act.connection, vo_id, path)
    act.note("group.added", vo=vo, group=path)


def remove_group(act: Act, vo: str, path: str) -> None:
    not_root(vo, path)
    vo_id = find_vo(act.connection, vo)
    find_group(act.connection, vo_id, path)
    store.delete_groups(act.connection, vo_id, path)
    act.note("group.removed", vo=vo, group=path)


def not_root(vo: str, path: str) -> None:
    check_group(vo, path)
    if path == f"/{vo}":
        raise RootGroup("The VO's own group comes and goes with the VO and its members.")
