"""Lists of assignments: as they were made, or what they come to for each person (`effective`)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from hansa.site.directory.access import below
from hansa.site.directory.model import Assignment, Kind, Target
from hansa.site.directory.roles import closure
from hansa.site.directory.store import groups, projects, roles


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which assignments: of a role, of an actor, on a target; None: whichever.

    `with_subtree`: the target is a project, and everything below it is meant too. `is_inherited`: only those that came down, or
    none of those.
    """

    role_id: str | None = None
    actor: tuple[Kind, str] | None = None
    target: Target | None = None
    with_subtree: bool = False
    is_inherited: bool | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """An assignment, and where it comes from: `group_id` the membership, `origin` the inheritance, `prior_id` the implication."""

    assignment: Assignment
    group_id: str | None = None
    origin: Target | None = None
    prior_id: str | None = None


def direct(connection: Connection, wanted: Wanted) -> list[Listed]:
    """As they were made."""
    targets = _targets(connection, wanted)
    actors = [wanted.actor] if wanted.actor else None
    found = roles.assigned(connection, actors=actors, role=wanted.role_id)
    return [
        Listed(each)
        for each in found
        if (targets is None or each.target in targets) and wanted.is_inherited in (None, each.is_inherited)
    ]


def effective(connection: Connection, wanted: Wanted) -> list[Listed]:
    """One for each person, place and role, with groups, inheritance and implications spelled out. No role is of a domain."""
    found: Iterable[Listed] = (Listed(each) for each in _candidates(connection, wanted))
    found = _people(connection, found)
    if wanted.actor is not None:
        found = (each for each in found if each.assignment.actor_id == wanted.actor[1])
    found = _places(connection, list(found), _targets(connection, wanted))
    if wanted.is_inherited is not None:
        found = (each for each in found if (each.origin is not None) == wanted.is_inherited)
    spelled = _implied(connection, found)
    kept = [each for each in spelled if wanted.role_id in (None, each.assignment.role_id)]
    return list(dict.fromkeys(kept))


def _targets(connection: Connection, wanted: Wanted) -> set[Target] | None:
    if wanted.target is None:
        return None
    below = projects.subtree(connection, wanted.target.id) if wanted.with_subtree else []
    return {wanted.target, *(Target(Kind.PROJECT, each.id) for each in below)}


def _candidates(connection: Connection, wanted: Wanted) -> Sequence[Assignment]:
    if wanted.actor is None:
        return roles.assigned(connection)
    theirs = [(Kind.GROUP, group.id) for group in groups.of_user(connection, wanted.actor[1])]
    return roles.assigned(connection, actors=[wanted.actor, *theirs])


def _people(connection: Connection, found: Iterable[Listed]) -> Iterator[Listed]:
    """A group's assignment is one of each of its members."""
    members = groups.memberships(connection)
    for each in found:
        if each.assignment.actor_kind is Kind.USER:
            yield each
            continue
        group = each.assignment.actor_id
        for user in members.get(group, ()):
            yield Listed(replace(each.assignment, actor_kind=Kind.USER, actor_id=user), group_id=group)


def _places(connection: Connection, found: Sequence[Listed], targets: set[Target] | None) -> Iterator[Listed]:
    """An inherited assignment is one on each project below."""
    reached: dict[Target, list[Target]] = {}
    for each in found:
        origin = each.assignment.target
        if not each.assignment.is_inherited:
            if targets is None or origin in targets:
                yield each
            continue
        if origin not in reached:
            reached[origin] = [one for one in below(connection, origin) if targets is None or one in targets]
        for target in reached[origin]:
            yield replace(each, assignment=replace(each.assignment, target=target, is_inherited=False), origin=origin)


def _implied(connection: Connection, found: Iterable[Listed]) -> Iterator[Listed]:
    known, implied = roles.every(connection), roles.implications(connection)
    for each in found:
        prior = each.assignment.role_id
        for role_id in closure([prior], implied):
            if role_id in known and known[role_id].domain_id is None:
                spelled = replace(each.assignment, role_id=role_id)
                yield replace(each, assignment=spelled, prior_id=prior if role_id != prior else None)
