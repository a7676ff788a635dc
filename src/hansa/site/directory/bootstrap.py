"""The first administrator of a site's Keystone, and the roles that its rules speak of. As often as wanted: what is there stays.

There is no default password anywhere: without this nobody administers anything.
"""

from dataclasses import dataclass, field
from itertools import pairwise

from hansa.cloud.model import ADMIN
from hansa.site.directory.model import DEFAULT, SYSTEM, Assignment, Kind, Project, Role, Target, User
from hansa.site.directory.service import Directory

CHAIN = (ADMIN, "manager", "member", "reader")
"""Each implies the next."""
SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """Who is to administer, as `keystone-manage bootstrap` names them.

    `immutable_roles`: those made here cannot be changed or deleted.
    """

    password: str = field(repr=False)
    username: str = "admin"
    project: str = "admin"
    role: str = ADMIN
    immutable_roles: bool = True


async def bootstrap(directory: Directory, wanted: Bootstrap) -> tuple[User, Project]:
    """The administrator, with the role on the project and on the system. The password is set, and the user enabled, each time."""
    options = {"immutable": True} if wanted.immutable_roles else {}
    found = [await _role(directory, name, options) for name in dict.fromkeys([wanted.role, *CHAIN, SERVICE])]
    roles = {role.name: role for role in found}
    for prior, implied in pairwise(CHAIN):
        await directory.roles.imply(roles[prior].id, roles[implied].id)
    project = await directory.projects.named(DEFAULT, wanted.project)
    if project is None:
        project = await directory.projects.create(
            wanted.project, description="Bootstrap project for initializing the cloud."
        )
    user = await _user(directory, wanted)
    for target in (Target(Kind.PROJECT, project.id), SYSTEM):
        await directory.roles.assign(Assignment(roles[wanted.role].id, Kind.USER, user.id, target))
    return user, project


async def _role(directory: Directory, name: str, options: dict[str, bool]) -> Role:
    role = await directory.roles.named(name)
    if role is None:
        return await directory.roles.create(name, options=options, extra={})
    missing = options.keys() - role.options.keys()
    return await directory.roles.update(role.id, {"options": options}, {}) if missing else role


async def _user(directory: Directory, wanted: Bootstrap) -> User:
    user = await directory.users.named(DEFAULT, wanted.username)
    if user is None:
        return await directory.users.create(wanted.username, password=wanted.password, options={}, extra={})
    return await directory.users.update(user.id, {"password": wanted.password, "enabled": True}, {})
