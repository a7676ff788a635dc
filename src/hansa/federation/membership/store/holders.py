"""Who holds a role, and whose membership ends: what enrolment asks of the registry."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from hansa.federation.membership.model import MemberState, Person
from hansa.federation.membership.store.persons import PERSON, person_in
from hansa.federation.membership.store.tables import group_members, groups, members, persons, role_grants, vos


@dataclass(frozen=True, slots=True)
class Ending:
    """A membership with an end. `number`: the member's."""

    number: int
    person: Person
    state: MemberState
    until: datetime


@dataclass(frozen=True, slots=True)
class Accepting:
    """What says whether a member has to accept the policy; see `Terms.aup_due`."""

    number: int
    person: Person
    since: datetime
    aup: int | None
    aup_at: datetime | None


def holders(connection: Connection, vo: str, role: str, paths: Sequence[str], now: datetime) -> list[Person]:
    """Members who hold the role in one of the groups and are not suspended or past their end."""
    is_in = group_members.c.until.is_(None) | (group_members.c.until > now)
    query = (
        sa.select(*PERSON)
        .join(members, members.c.person == persons.c.id)
        .join(vos, vos.c.id == members.c.vo)
        .join(role_grants, role_grants.c.member == members.c.id)
        .join(groups, groups.c.id == role_grants.c.group)
        .join(
            group_members,
            (group_members.c.member == role_grants.c.member) & (group_members.c.group == role_grants.c.group),
        )
        .where(vos.c.name == vo, role_grants.c.role == role, groups.c.path.in_(paths), is_in)
        .where(members.c.state == MemberState.ACTIVE.value, sa.or_(members.c.until.is_(None), members.c.until > now))
        .distinct()
        .order_by(persons.c.id)
    )
    return [person_in(row) for row in connection.execute(query)]


def accepting(connection: Connection, vo: int, *, beyond: int, limit: int) -> list[Accepting]:
    """Active members to whom nothing has been announced, by number, those greater than `beyond`."""
    columns = (members.c.id, members.c.since, members.c.aup, members.c.aup_at)
    query = (
        sa.select(*columns, *PERSON)
        .join(persons, persons.c.id == members.c.person)
        .where(members.c.vo == vo, members.c.id > beyond, members.c.announced == "")
        .where(members.c.state == MemberState.ACTIVE.value)
        .order_by(members.c.id)
        .limit(limit)
    )
    return [Accepting(row[0], person_in(row), row.since, row.aup, row.aup_at) for row in connection.execute(query)]


def ending(
    connection: Connection, vo: str, *, after: datetime | None, before: datetime, beyond: int, limit: int
) -> list[Ending]:
    """Memberships whose end is later than `after` and not later than `before`; by number, those greater than `beyond`."""
    query = (
        sa.select(members.c.id, members.c.state, members.c.until, *PERSON)
        .join(persons, persons.c.id == members.c.person)
        .join(vos, vos.c.id == members.c.vo)
        .where(vos.c.name == vo, members.c.until <= before, members.c.id > beyond)
        .order_by(members.c.id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(members.c.until > after)
    return [Ending(row[0], person_in(row), MemberState(row.state), row.until) for row in connection.execute(query)]
