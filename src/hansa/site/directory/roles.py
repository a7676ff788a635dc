"""Roles, what they imply, and who has them where."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from hansa.base.errors import BadRequest, Conflict, Forbidden, NotFound
from hansa.cloud.model import ADMIN
from hansa.site.directory.book import Book, there
from hansa.site.directory.model import SYSTEM, Assignment, Json, Kind, Role, is_immutable
from hansa.site.directory.store import groups, projects, roles, users


class Roles:
    def __init__(self, book: Book) -> None:
        self._book = book

    async def find(self, identifier: str) -> Role | None:
        return await self._book.read(lambda connection: roles.find(connection, identifier))

    async def get(self, identifier: str) -> Role:
        return there(await self.find(identifier), "role", identifier)

    async def named(self, name: str, domain_id: str | None = None) -> Role | None:
        return await self._book.read(lambda connection: roles.named(connection, domain_id, name))

    async def every(self) -> Mapping[str, Role]:
        """By id, in the order of names."""
        return await self._book.read(roles.every)

    async def create(
        self, name: str, *, domain_id: str | None = None, description: str | None = None, options: Json, extra: Json
    ) -> Role:
        def create(connection: Connection) -> Role:
            if domain_id is not None and not _is_domain(connection, domain_id):
                raise BadRequest(f"Could not find domain: {domain_id}.", field="domain_id")
            role = Role(uuid.uuid4().hex, name, domain_id, description, options, extra)
            _check_name(connection, role)
            roles.add(connection, role)
            return role

        return await self._book.change(create)

    async def update(self, identifier: str, changes: Mapping[str, Any], extra: Json) -> Role:
        """`changes`: name, description, options; options that become None go."""

        def update(connection: Connection) -> Role:
            old = there(roles.find(connection, identifier), "role", identifier)
            values = dict(changes)
            merged = {**old.options, **values.pop("options", {})}
            options = {name: value for name, value in merged.items() if value is not None}
            changed = replace(old, **values, options=options, extra={**old.extra, **extra})
            if is_immutable(old) and (is_immutable(changed) or {*changes, *extra} != {"options"}):
                raise Forbidden(f"Cannot update immutable resource: role {identifier}.")
            _check_name(connection, changed)
            roles.replace(connection, changed)
            return changed

        return await self._book.change(update)

    async def delete(self, identifier: str) -> None:
        def delete(connection: Connection) -> None:
            role = there(roles.find(connection, identifier), "role", identifier)
            if is_immutable(role):
                raise Forbidden(f"Cannot delete immutable resource: role {identifier}.")
            roles.remove(connection, identifier)

        await self._book.change(delete)

    async def implications(self) -> Mapping[str, Sequence[str]]:
        """Ids of what each role implies by itself."""
        return await self._book.read(roles.implications)

    async def imply(self, prior: str, implied: str) -> None:
        """Idempotent. Forbidden for `admin`, which nothing may bring along, and for a role that would imply itself."""

        def imply(connection: Connection) -> None:
            there(roles.find(connection, prior), "role", prior)
            role = there(roles.find(connection, implied), "role", implied)
            if role.name == ADMIN and role.domain_id is None:
                raise Forbidden(f"The role {ADMIN} cannot be implied.")
            known = roles.implications(connection)
            if implied in known.get(prior, ()):
                return
            if prior in closure([implied], known):
                raise Forbidden(f"Role {prior} would imply itself.")
            roles.imply(connection, prior, implied)

        await self._book.change(imply)

    async def forget_implication(self, prior: str, implied: str) -> None:
        def forget(connection: Connection) -> None:
            if implied not in roles.implications(connection).get(prior, ()):
                raise NotFound(f"{prior} does not imply {implied}.")
            roles.forget_implication(connection, prior, implied)

        await self._book.change(forget)

    async def assigned(self, **which: Any) -> list[Assignment]:
        """As `store.roles.assigned`."""
        return await self._book.read(lambda connection: roles.assigned(connection, **which))

    async def has(self, assignment: Assignment) -> bool:
        return await self._book.read(lambda connection: roles.has(connection, assignment))

    async def assign(self, assignment: Assignment) -> None:
        """Idempotent. NotFound for a role, an actor or a target that is not there."""

        def assign(connection: Connection) -> None:
            _check(connection, assignment)
            if not roles.has(connection, assignment):
                roles.assign(connection, assignment)

        await self._book.change(assign)

    async def unassign(self, assignment: Assignment) -> None:
        """NotFound if there is no such assignment."""

        def unassign(connection: Connection) -> None:
            if not roles.has(connection, assignment):
                raise NotFound(f"Could not find role assignment with role: {assignment.role_id}.")
            roles.unassign(connection, assignment)
            self._book.unassigned(connection, assignment)

        await self._book.change(unassign)


def closure(identifiers: Sequence[str], implied: Mapping[str, Sequence[str]]) -> list[str]:
    """The roles and all that they imply, each once, in the order found."""
    found = list(dict.fromkeys(identifiers))
    for identifier in found:  # grows while we go
        found += [each for each in implied.get(identifier, ()) if each not in found]
    return found


def _check(connection: Connection, assignment: Assignment) -> None:
    role = there(roles.find(connection, assignment.role_id), "role", assignment.role_id)
    if assignment.actor_kind is Kind.USER:
        there(users.find(connection, assignment.actor_id), "user", assignment.actor_id)
    else:
        there(groups.find(connection, assignment.actor_id), "group", assignment.actor_id)
    target = assignment.target
    if target == SYSTEM:
        if role.domain_id is not None:
            raise Forbidden("A role of a domain cannot be assigned on the system.")
        return
    found = projects.find(connection, target.id)
    if found is not None and found.is_domain != (target.kind is Kind.DOMAIN):
        found = None
    project = there(found, target.kind.value, target.id)
    owner = project.id if project.is_domain else project.domain_id
    if role.domain_id not in (None, owner):
        raise Forbidden(f"Role {role.id} is of another domain than {target.kind} {target.id}.")


def _is_domain(connection: Connection, identifier: str) -> bool:
    found = projects.find(connection, identifier)
    return found is not None and found.is_domain


def _check_name(connection: Connection, role: Role) -> None:
    other = roles.named(connection, role.domain_id, role.name)
    if other is not None and other.id != role.id:
        raise Conflict(f"Conflict occurred attempting to store role - there is one named {role.name} already.")
