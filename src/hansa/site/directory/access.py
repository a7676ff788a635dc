"""Who may be where, all told: direct assignments and those of groups, inherited ones, and what roles imply."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from hansa.site.directory.model import SYSTEM, Assignment, Kind, Project, Role, Target
from hansa.site.directory.roles import closure
from hansa.site.directory.store import groups, projects, roles


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere that somebody may be: an open project or domain, or the system (`project` is None), with the roles there.

    `roles` are global ones, in the order of their names; those of domains have gone into what they imply.
    """

    target: Target
    project: Project | None
    roles: tuple[Role, ...]


def places(connection: Connection, user_id: str, further_groups: Iterable[str] = ()) -> dict[Target, Place]:
    """Everywhere that the user has a role, and whoever is in `further_groups`. Closed projects and domains are no place."""
    actors = actors_of(connection, user_id, further_groups)
    found: dict[Target, list[str]] = {}
    for assignment in roles.assigned(connection, actors=actors):
        for target in reached(connection, assignment):
            found.setdefault(target, []).append(assignment.role_id)
    if not found:
        return {}
    known, implied = roles.every(connection), roles.implications(connection)
    there = projects.several(connection, (target.id for target in found if target != SYSTEM))
    domains = projects.several(connection, (each.domain_id for each in there.values() if each.domain_id))
    result: dict[Target, Place] = {}
    for target, identifiers in found.items():
        project = there.get(target.id)
        if target != SYSTEM and (project is None or not is_open(project, domains)):
            continue
        if held := _global(closure(identifiers, implied), known):
            result[target] = Place(target, project, held)
    return result


def actors_of(connection: Connection, user_id: str, further_groups: Iterable[str] = ()) -> list[tuple[Kind, str]]:
    theirs = [group.id for group in groups.of_user(connection, user_id)]
    return [(Kind.USER, user_id), *((Kind.GROUP, group) for group in dict.fromkeys([*theirs, *further_groups]))]


def reached(connection: Connection, assignment: Assignment) -> list[Target]:
    """Where the assignment counts: on its target, or on every project below."""
    return below(connection, assignment.target) if assignment.is_inherited else [assignment.target]


def below(connection: Connection, target: Target) -> list[Target]:
    """Every project below a project, or in a domain."""
    if target == SYSTEM:
        return []
    if target.kind is Kind.DOMAIN:
        found = projects.listed(connection, is_domain=False, domain_id=target.id)
    else:
        found = projects.subtree(connection, target.id)
    return [Target(Kind.PROJECT, project.id) for project in found]


def is_open(project: Project, domains: Mapping[str, Project]) -> bool:
    """Whether it and its domain are enabled."""
    if not project.enabled:
        return False
    domain = domains.get(project.domain_id or "")
    return project.is_domain or (domain is not None and domain.enabled)


def implied_names(
    names: Iterable[str], known: Mapping[str, Role], implied: Mapping[str, Sequence[str]]
) -> frozenset[str]:
    """Names of global roles with those that they imply; a name that is no role stays."""
    wanted = frozenset(names)
    identifiers = [role.id for role in known.values() if role.domain_id is None and role.name in wanted]
    return wanted | {role.name for role in _global(closure(identifiers, implied), known)}


def _global(identifiers: Sequence[str], known: Mapping[str, Role]) -> tuple[Role, ...]:
    held = {identifier: known[identifier] for identifier in identifiers if identifier in known}
    return tuple(sorted((role for role in held.values() if role.domain_id is None), key=lambda role: role.name))
