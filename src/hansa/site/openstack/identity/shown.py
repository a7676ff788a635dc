"""Things of the directory as the API shows them: their extras first, so that none can pass for a member of ours."""

from hansa.site.directory import Group, Project, Role, User
from hansa.site.openstack.identity.answers import Json, linked
from hansa.site.openstack.identity.desk import Desk
from hansa.site.openstack.identity.render import micro


def shown_project(project: Project, desk: Desk) -> Json:
    members = {
        **project.extra,
        "id": project.id,
        "name": project.name,
        "domain_id": project.domain_id,
        "parent_id": project.parent_id,
        "is_domain": project.is_domain,
        "description": project.description,
        "enabled": project.enabled,
        "tags": list(project.tags),
        "options": dict(project.options),
    }
    return linked(desk.place.keystone, "projects", members)


def shown_domain(domain: Project, desk: Desk) -> Json:
    members = {
        **domain.extra,
        "id": domain.id,
        "name": domain.name,
        "description": domain.description,
        "enabled": domain.enabled,
        "tags": list(domain.tags),
        "options": dict(domain.options),
    }
    return linked(desk.place.keystone, "domains", members)


def shown_user(user: User, desk: Desk) -> Json:
    members: Json = {
        **user.extra,
        "id": user.id,
        "name": user.name,
        "domain_id": user.domain_id,
        "enabled": user.enabled,
        "options": dict(user.options),
        "password_expires_at": micro(user.password_expires) if user.password_expires else None,
    }
    if user.default_project_id is not None:
        members["default_project_id"] = user.default_project_id
    return linked(desk.place.keystone, "users", members)


def shown_group(group: Group, desk: Desk) -> Json:
    members = {
        **group.extra,
        "id": group.id,
        "name": group.name,
        "domain_id": group.domain_id,
        "description": group.description,
    }
    return linked(desk.place.keystone, "groups", members)


def shown_role(role: Role, desk: Desk) -> Json:
    members = {
        **role.extra,
        "id": role.id,
        "name": role.name,
        "domain_id": role.domain_id,
        "description": role.description,
        "options": dict(role.options),
    }
    return linked(desk.place.keystone, "roles", members)
