"""Roles as delegations name them in requests: `{"id": …}` or `{"name": …}`."""

from hansa.base.errors import BadRequest
from hansa.site.openstack.identity.bodies import Body
from hansa.site.openstack.identity.desk import Desk


class RoleName(Body):
    id: str | None = None
    name: str | None = None


async def role_id(role: RoleName, desk: Desk) -> str:
    """BadRequest for a name that no global role has; whether there is a role of an id is for others to say."""
    if role.id is not None:
        return role.id
    found = (await desk.directory.things()).role(role.name or "")
    if found is None:
        raise BadRequest(f"Could not find role: {role.name}.", field="roles")
    return found.id
