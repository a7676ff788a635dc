"""Projects that mapping rules give somebody: made where they are missing, and the roles assigned, as Keystone does."""

from hansa.base.errors import Unauthenticated
from hansa.site.directory import Directory, Kind, Target
from hansa.site.directory.model import Assignment
from hansa.site.identity.model import Reason
from hansa.site.issuers.mapped import domain_id
from hansa.standards.mapping import Mapped

SYNCED = "3.0"
"""Since this version of the schema, roles that the rules no longer give are taken back."""


async def assign_projects(directory: Directory, user_id: str, mapped: Mapped, version: str) -> None:
    """Raises Unauthenticated, before anything is changed, if a role or domain is not there."""
    wanted = set[Assignment]()
    things = await directory.things()
    plan: list[tuple[str, str, list[str]]] = []
    for project in mapped.projects:
        domain = await domain_id(directory, project.domain)
        roles = [things.role(name) for name in project.roles]
        if domain is None or None in roles:
            message = f"This site's rules give you a role or a project's domain that is not there ({project.name})."
            raise Unauthenticated(message, reason=Reason.FOREIGN_PROJECT.value)
        plan.append((domain, project.name, [role.id for role in roles if role]))
    for domain, name, identifiers in plan:
        found = await directory.projects.named(domain, name) or await directory.projects.create(name, domain_id=domain)
        target = Target(Kind.PROJECT, found.id)
        wanted |= {Assignment(identifier, Kind.USER, user_id, target) for identifier in identifiers}
    held = {
        each
        for each in await directory.roles.assigned(actors=[(Kind.USER, user_id)])
        if each.target.kind is Kind.PROJECT and not each.is_inherited
    }
    for assignment in wanted - held:
        await directory.roles.assign(assignment)
    if version >= SYNCED:
        for assignment in held - wanted:
            await directory.roles.unassign(assignment)
