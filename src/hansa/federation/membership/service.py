"""What can be done with virtual organisations and their members. Every rule of the registry stands here."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection

from hansa.base.database import Database
from hansa.base.errors import BadRequest
from hansa.federation.membership import store
from hansa.federation.membership.batches import Batches
from hansa.federation.membership.errors import (
    AlreadyExists,
    CredentialTaken,
    NoSuchGroup,
    NoSuchMember,
    NoSuchRole,
    NoSuchVo,
    RootGroup,
)
from hansa.federation.membership.model import Clock, Credential, IssuedAc, Member, MemberState, RoleGrant, Standing, Vo
from hansa.federation.membership.names import ancestors, check_group, check_role, check_vo
from hansa.standards.x509 import Name

T = TypeVar("T")
Who = int | Name
"""A member: the number that listings show, or the subject of one of the member's certificates."""


class Membership:
    """The registry of VOs. Every call is one transaction."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._records = Batches(self._write_records)

    async def create_vo(self, name: str) -> None:
        """Raises InvalidName, AlreadyExists."""
        check_vo(name)

        def create(connection: Connection) -> None:
            if store.vo_id(connection, name) is not None:
                raise AlreadyExists(f"There is a VO {name} already.")
            store.insert_vo(connection, name, self._clock())

        await self._db.write(create)

    async def vos(self) -> list[Vo]:
        return await self._db.read(store.all_vos)

    async def add_member(
        self, vo: str, credential: Credential, *, name: str, email: str = "", until: datetime | None = None
    ) -> Member:
        """Admit the holder of a certificate. Somebody whom another VO knows stays the same person. Raises AlreadyExists."""
        if not name.strip():
            raise BadRequest("A member needs a name.", field="name")

        def add(connection: Connection, vo_id: int) -> Member:
            person = store.person_of(connection, credential)
            if person is None:
                person = store.insert_person(connection, name.strip(), email.strip())
                store.insert_credential(connection, person, credential)
            elif store.member_of(connection, vo_id, person) is not None:
                raise AlreadyExists(f"{credential.subject} is a member of {vo} already.")
            return _one(connection, store.insert_member(connection, vo_id, person, self._clock(), until))

        return await self._write(vo, add)

    async def add_credential(self, vo: str, who: Who, credential: Credential) -> Member:
        """One more certificate for a member; it serves in all the person's VOs. Raises CredentialTaken."""

        def add(connection: Connection, vo_id: int) -> Member:
            member = _find(connection, vo, vo_id, who)
            owner = store.person_of(connection, credential)
            if owner is not None:
                raise CredentialTaken(f"{credential.subject} is registered already.")
            store.insert_credential(connection, store.person_of_member(connection, member), credential)
            return _one(connection, member)

        return await self._write(vo, add)

    async def members(self, vo: str) -> list[Member]:
        return await self._read(vo, lambda c, vo_id: store.load_members(c, store.member_ids(c, vo_id)))

    async def member(self, vo: str, who: Who) -> Member:
        """Raises NoSuchMember."""
        return await self._read(vo, lambda c, vo_id: _one(c, _find(c, vo, vo_id, who)))

    async def suspend(self, vo: str, who: Who, reason: str) -> Member:
        """No more ACs until restored; the member is told the reason."""
        if not reason.strip():
            raise BadRequest("A suspension needs a reason: the member will read it.", field="reason")
        return await self._change(vo, who, state=MemberState.SUSPENDED.value, reason=reason.strip())

    async def restore(self, vo: str, who: Who) -> Member:
        return await self._change(vo, who, state=MemberState.ACTIVE.value, reason="")

    async def set_until(self, vo: str, who: Who, until: datetime | None) -> Member:
        """Move the end of the membership; None for no end."""
        return await self._change(vo, who, until=until)

    async def remove(self, vo: str, who: Who) -> None:
        """End the membership, with its groups and roles. The record of issued ACs stays."""
        await self._write(vo, lambda c, vo_id: store.delete_member(c, _find(c, vo, vo_id, who)))

    async def add_group(self, vo: str, path: str) -> None:
        """The group above must exist. Raises InvalidName, NoSuchGroup, AlreadyExists."""
        check_group(vo, path)

        def add(connection: Connection, vo_id: int) -> None:
            if store.group_id(connection, vo_id, path) is not None:
                raise AlreadyExists(f"There is a group {path} already.")
            _group(connection, vo_id, path.rpartition("/")[0])
            store.insert_group(connection, vo_id, path)

        await self._write(vo, add)

    async def groups(self, vo: str) -> list[str]:
        return await self._read(vo, store.group_paths)

    async def remove_group(self, vo: str, path: str) -> None:
        """With all groups below it, and the memberships and roles in them."""
        _not_root(vo, path)

        def remove(connection: Connection, vo_id: int) -> None:
            _group(connection, vo_id, path)
            store.delete_groups(connection, vo_id, path)

        await self._write(vo, remove)

    async def join(self, vo: str, who: Who, path: str) -> Member:
        """Into a group and those above it. Raises AlreadyExists if in it already."""

        def do(connection: Connection, vo_id: int) -> Member:
            member = _find(connection, vo, vo_id, who)
            group = _group(connection, vo_id, path)
            for above in ancestors(path):
                store.join(connection, member, _group(connection, vo_id, above))
            if not store.join(connection, member, group):
                raise AlreadyExists(f"The member is in {path} already.")
            return _one(connection, member)

        return await self._write(vo, do)

    async def leave(self, vo: str, who: Who, path: str) -> Member:
        """Out of a group and those below it, with the roles there. Raises NoSuchGroup if not in it."""
        _not_root(vo, path)

        def do(connection: Connection, vo_id: int) -> Member:
            member = _find(connection, vo, vo_id, who)
            if not store.leave(connection, vo_id, member, path):
                raise NoSuchGroup(f"The member is not in {path}.")
            return _one(connection, member)

        return await self._write(vo, do)

    async def grant(self, vo: str, who: Who, role: RoleGrant) -> Member:
        """A role in a group that the member is in. Raises InvalidName, NoSuchGroup, AlreadyExists."""
        check_role(role.role)

        def do(connection: Connection, vo_id: int) -> Member:
            member = _find(connection, vo, vo_id, who)
            group = _group(connection, vo_id, role.group)
            if role.group not in _one(connection, member).groups:
                raise NoSuchGroup(f"The member is not in {role.group}; add them to the group first.")
            if not store.insert_role(connection, member, group, role.role):
                raise AlreadyExists(f"The member holds {role} already.")
            return _one(connection, member)

        return await self._write(vo, do)

    async def revoke(self, vo: str, who: Who, role: RoleGrant) -> Member:
        """Raises NoSuchRole."""

        def do(connection: Connection, vo_id: int) -> Member:
            member = _find(connection, vo, vo_id, who)
            if not store.delete_role(connection, member, _group(connection, vo_id, role.group), role.role):
                raise NoSuchRole(f"The member does not hold {role}.")
            return _one(connection, member)

        return await self._write(vo, do)

    async def standing(self, vo: str, credential: Credential) -> Standing | None:
        """What the holder of a certificate is in a VO; None for a stranger."""
        return await self._db.read(lambda connection: store.standing(connection, vo, credential))

    async def record(self, ac: IssuedAc) -> None:
        """Durable on return: an AC is handed out only after this. Those that wait for the disk together share a transaction."""
        await self._records.add(ac)

    async def _write_records(self, acs: Sequence[IssuedAc]) -> None:
        await self._db.write(lambda connection: store.record(connection, acs))

    async def issued(self, vo: str, limit: int = 100) -> list[IssuedAc]:
        """The latest attribute certificates, newest first."""
        return await self._db.read(lambda connection: store.recorded(connection, vo, limit))

    async def _change(self, vo: str, who: Who, **values: object) -> Member:
        def change(connection: Connection, vo_id: int) -> Member:
            member = _find(connection, vo, vo_id, who)
            store.update_member(connection, member, **values)
            return _one(connection, member)

        return await self._write(vo, change)

    async def _read(self, vo: str, do: Callable[[Connection, int], T]) -> T:
        return await self._db.read(lambda connection: do(connection, _vo(connection, vo)))

    async def _write(self, vo: str, do: Callable[[Connection, int], T]) -> T:
        return await self._db.write(lambda connection: do(connection, _vo(connection, vo)))


def _vo(connection: Connection, name: str) -> int:
    found = store.vo_id(connection, name)
    if found is None:
        raise NoSuchVo(f"There is no VO {name}.")
    return found


def _group(connection: Connection, vo_id: int, path: str) -> int:
    found = store.group_id(connection, vo_id, path)
    if found is None:
        raise NoSuchGroup(f"There is no group {path}.")
    return found


def _find(connection: Connection, vo: str, vo_id: int, who: Who) -> int:
    if isinstance(who, int):
        found: Sequence[int] = [who] if store.has_member(connection, vo_id, who) else []
    else:
        found = store.member_ids(connection, vo_id, who)
    if not found:
        raise NoSuchMember(f"{who} is not a member of {vo}.")
    if len(found) > 1:
        raise BadRequest("Several members have that subject, from different authorities; give the member's number.")
    return found[0]


def _one(connection: Connection, member: int) -> Member:
    return store.load_members(connection, [member])[0]


def _not_root(vo: str, path: str) -> None:
    check_group(vo, path)
    if path == f"/{vo}":
        raise RootGroup("The VO's own group comes and goes with the VO and its members.")
