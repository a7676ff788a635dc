"""Projects and domains: the tree, names, tags, and what may be changed when."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from hansa.base.errors import BadRequest, Conflict, Forbidden
from hansa.site.directory.book import Book, there
from hansa.site.directory.model import DEFAULT, Json, Kind, Project, is_immutable, project_id
from hansa.site.directory.store import groups, projects, roles, users

MAX_DEPTH = 5
"""Projects above each other, without the domain."""
MAX_TAGS = 80


class Projects:
    def __init__(self, book: Book) -> None:
        self._book = book
        self.configured: frozenset[str] = frozenset()
        """Keys of the projects that the operator's files name: as long as they do, these can be disabled but not deleted."""

    async def find(self, identifier: str) -> Project | None:
        return await self._book.read(lambda connection: projects.find(connection, identifier))

    async def get(self, identifier: str) -> Project:
        return there(await self.find(identifier), "project", identifier)

    async def domain(self, identifier: str) -> Project:
        found = await self.find(identifier)
        return there(found if found and found.is_domain else None, "domain", identifier)

    async def named(self, domain_id: str | None, name: str) -> Project | None:
        """The project in that domain; without one, the domain of that name."""
        return await self._book.read(lambda connection: projects.named(connection, domain_id, name))

    async def listed(
        self, *, is_domain: bool = False, domain_id: str | None = None, parent_id: str | None = None,
        name: str | None = None,
    ) -> list[Project]:  # fmt: skip
        def read(connection: Connection) -> list[Project]:
            return projects.listed(connection, is_domain=is_domain, domain_id=domain_id, parent_id=parent_id, name=name)

        return await self._book.read(read)

    async def several(self, identifiers: Sequence[str]) -> dict[str, Project]:
        return await self._book.read(lambda connection: projects.several(connection, identifiers))

    async def ancestors(self, project: Project) -> list[Project]:
        """From the parent up to the domain."""
        return await self._book.read(lambda connection: projects.ancestors(connection, project))

    async def subtree(self, identifier: str) -> list[Project]:
        return await self._book.read(lambda connection: projects.subtree(connection, identifier))

    async def create(
        self, name: str, *, domain_id: str | None = None, parent_id: str | None = None, is_domain: bool = False,
        identifier: str | None = None, **rest: Any,
    ) -> Project:  # fmt: skip
        """`rest`: description, enabled, tags, options, extra. Without a domain it is the parent's, or the default one."""

        def create(connection: Connection) -> Project:
            if is_domain:
                made = _new_domain(connection, name, domain_id, parent_id, identifier, rest)
            else:
                made = _new_project(connection, name, domain_id, parent_id, rest)
            projects.add(connection, made)
            return made

        return await self._book.change(create)

    async def update(
        self, identifier: str, changes: Mapping[str, Any], extra: Json, *, domain: bool = False
    ) -> Project:
        """`changes`: name, description, enabled, tags, options; `domain`: it must be one. Options that become None go."""

        def update(connection: Connection) -> Project:
            old = _get(connection, identifier, domain=domain)
            changed = changed_project(old, changes, extra)
            if is_immutable(old) and (is_immutable(changed) or {*changes, *extra} != {"options"}):
                raise Forbidden(f"Cannot update immutable resource: {'domain' if domain else 'project'} {identifier}.")
            _check_name(connection, changed)
            _check_enabled(connection, old, changed)
            projects.replace(connection, changed)
            return changed

        return await self._book.change(update)

    async def delete(self, identifier: str, *, domain: bool = False) -> None:
        def delete(connection: Connection) -> None:
            project = _get(connection, identifier, domain=domain)
            if is_immutable(project):
                raise Forbidden(f"Cannot delete immutable resource: {'domain' if domain else 'project'} {identifier}.")
            if project.key in self.configured:
                raise Forbidden(
                    f"Project {project.name} stands in the site's policy; take it out there, or disable it."
                )
            if project.is_domain:
                self._empty(connection, project)
            elif projects.children(connection, [identifier]):
                raise Forbidden(f"Cannot delete the project {identifier} since it is not a leaf in the hierarchy.")
            self._remove(connection, project)

        await self._book.change(delete)

    def _empty(self, connection: Connection, domain: Project) -> None:
        if domain.id == DEFAULT:
            raise Forbidden("Cannot delete the default domain.")
        if domain.enabled:
            raise Forbidden("Cannot delete a domain that is enabled, please disable it first.")
        for user in users.listed(connection, domain_id=domain.id):
            users.remove(connection, user.id)
            self._book.removed(connection, Kind.USER, user.id)
        for group in groups.listed(connection, domain_id=domain.id):
            groups.remove(connection, group.id)
            self._book.removed(connection, Kind.GROUP, group.id)
        for project in projects.listed(connection, is_domain=False, domain_id=domain.id):
            self._remove(connection, project)
        for role in list(roles.every(connection).values()):
            if role.domain_id == domain.id:
                roles.remove(connection, role.id)

    def _remove(self, connection: Connection, project: Project) -> None:
        projects.remove(connection, [project.id])
        self._book.removed(connection, Kind.DOMAIN if project.is_domain else Kind.PROJECT, project.id)


def changed_project(old: Project, changes: Mapping[str, Any], extra: Json) -> Project:
    values = dict(changes)
    if "options" in values:
        merged = {**old.options, **values["options"]}
        values["options"] = {name: value for name, value in merged.items() if value is not None}
    if "description" in values:
        values["description"] = values["description"] or ""
    return replace(old, **values, extra={**old.extra, **extra})


def _get(connection: Connection, identifier: str, *, domain: bool) -> Project:
    found = projects.find(connection, identifier)
    if domain:
        return there(found if found and found.is_domain else None, "domain", identifier)
    return there(found, "project", identifier)


def _new_domain(
    connection: Connection, name: str, domain_id: str | None, parent_id: str | None, identifier: str | None, rest: Json
) -> Project:
    if domain_id is not None or parent_id is not None:
        raise BadRequest("A project that acts as a domain is in no domain and has no parent.", field="domain_id")
    made = identifier or uuid.uuid4().hex
    if projects.find(connection, made):
        raise Conflict(f"There is a domain or project {made} already.")
    domain = Project(made, name, f"domain:{made}", None, None, True, **rest)
    _check_name(connection, domain)
    return domain


def _new_project(
    connection: Connection, name: str, domain_id: str | None, parent_id: str | None, rest: Json
) -> Project:
    parent = projects.find(connection, parent_id) if parent_id else None
    if parent_id and parent is None:
        raise BadRequest(f"Could not find project: {parent_id}.", field="parent_id")
    if domain_id is None:
        domain_id = (parent.id if parent.is_domain else parent.domain_id) if parent else DEFAULT
    domain = projects.find(connection, domain_id or "")
    if domain is None or not domain.is_domain:
        raise BadRequest(f"Could not find domain: {domain_id}.", field="domain_id")
    above = parent or domain
    if (above.id if above.is_domain else above.domain_id) != domain.id:
        raise BadRequest("A project is in the domain of its parent.", field="parent_id")
    _check_branch(connection, above)
    identifier, key = identity_of(connection, domain.id, name)
    project = Project(identifier, name, key, domain.id, above.id, **rest)
    _check_name(connection, project)
    return project


def identity_of(connection: Connection, domain_id: str, name: str) -> tuple[str, str]:
    """Id and key of a new project. In the default domain both are of its name, unless another one had that name before:
    what the cloud still keeps for that one is not for its successor."""
    named = project_id(name)
    if domain_id == DEFAULT and not projects.is_used(connection, name) and projects.find(connection, named) is None:
        return named, name
    fresh = uuid.uuid4().hex
    return fresh, fresh


def _check_branch(connection: Connection, parent: Project) -> None:
    line = [parent, *projects.ancestors(connection, parent)]
    if not all(each.enabled for each in line if not each.is_domain):
        raise BadRequest(
            f"Cannot create a project in a branch with a disabled project: {parent.id}.", field="parent_id"
        )
    if len(line) > MAX_DEPTH:
        raise Forbidden(f"Max hierarchy depth reached for {parent.id} branch.")


def _check_name(connection: Connection, project: Project) -> None:
    other = projects.named(connection, project.domain_id, project.name)
    if other is not None and other.id != project.id:
        what = "domain" if project.is_domain else "project"
        raise Conflict(f"Conflict occurred attempting to store {what} - there is one named {project.name} already.")


def _check_enabled(connection: Connection, old: Project, new: Project) -> None:
    if old.enabled == new.enabled:
        return
    if new.enabled:
        if not all(each.enabled for each in projects.ancestors(connection, new)):
            raise Forbidden(f"Cannot enable project {new.id} since it has disabled parents.")
    elif new.id == DEFAULT:
        raise Forbidden("Cannot disable the default domain.")
    elif not new.is_domain and any(each.enabled for each in projects.subtree(connection, new.id)):
        raise Forbidden(f"Cannot disable project {new.id} since its subtree contains enabled projects.")
