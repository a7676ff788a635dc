"""Who and what there is at the site: domains, projects, users, groups, roles, and who has which role where.

`Directory` is the whole of it; `identity` asks it for the roles of whoever signed on, the Keystone face shows and changes it. Who
may change what is not decided here but by the face that takes the request (`site.openstack.identity.rules`).
"""

from hansa.site.directory.model import (
    DEFAULT,
    Assignment,
    Group,
    Kind,
    Project,
    Role,
    Target,
    User,
    project_id,
    role_id,
    user_id,
)
from hansa.site.directory.service import Directory

__all__ = [
    "DEFAULT",
    "Assignment",
    "Directory",
    "Group",
    "Kind",
    "Project",
    "Role",
    "Target",
    "User",
    "project_id",
    "role_id",
    "user_id",
]
