"""What the operator's files say of projects, roles and users, written into the directory, where it can be built upon.

It only adds: a project that goes from the policy keeps its row, and what the cloud keeps for it. Users of the users file go with
their line.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import Connection

from hansa.site.directory.model import DEFAULT, Project, Role, Source, User, project_id, role_id, user_id
from hansa.site.directory.store import projects, roles, users
from hansa.site.identity.model import LOCAL

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Configured:
    """Names: tenants of the policy and of local users, their roles, and the local users themselves."""

    tenants: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()


def is_written(connection: Connection, configured: Configured) -> bool:
    """Whether there is nothing to do."""
    known = {role.name for role in roles.every(connection).values() if role.domain_id is None}
    listed = {user.name for user in users.of_source(connection, Source.FILE)}
    return (
        configured.roles <= known
        and listed == configured.users
        and all(projects.by_key(connection, name) for name in configured.tenants)
    )


def write(connection: Connection, configured: Configured, now: datetime) -> None:
    for name in sorted(configured.tenants):
        if projects.by_key(connection, name) is None:
            projects.add(connection, _project(connection, name))
    for name in sorted(configured.roles):
        if roles.named(connection, None, name) is None:
            roles.add(connection, Role(_free_role(connection, name), name))
    listed = {user.name: user for user in users.of_source(connection, Source.FILE)}
    for name in sorted(listed.keys() - configured.users):
        users.remove(connection, listed[name].id)
    for name in sorted(configured.users - listed.keys()):
        if users.named(connection, DEFAULT, name) is not None:
            log.warning("directory.name_taken", user=name)
            continue
        user = User(user_id(LOCAL + name), name, source=Source.FILE, principal=LOCAL + name)
        users.add(connection, user, now)


def _project(connection: Connection, name: str) -> Project:
    identifier = project_id(name) if projects.find(connection, project_id(name)) is None else uuid.uuid4().hex
    is_free = projects.named(connection, DEFAULT, name) is None
    return Project(identifier, name if is_free else f"{name}-{identifier[:8]}", name)


def _free_role(connection: Connection, name: str) -> str:
    return role_id(name) if roles.find(connection, role_id(name)) is None else uuid.uuid4().hex
