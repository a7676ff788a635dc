"""What time alone has done, and nobody has noted yet."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import Connection

from hansa.federation.membership.model import MemberState
from hansa.federation.membership.store.tables import group_members, groups, members, vos
from hansa.federation.membership.terms import Terms

EXPIRED = "expired"
AUP = "aup"


def ended_groups(connection: Connection, now: datetime, limit: int) -> Sequence[tuple[int, str, int, str]]:
    """(member, VO, number of the VO, group) of group memberships that have ended."""
    query = (
        sa.select(group_members.c.member, vos.c.name, vos.c.id, groups.c.path)
        .join(groups, groups.c.id == group_members.c.group)
        .join(vos, vos.c.id == groups.c.vo)
        .where(group_members.c.until <= now)
        .order_by(groups.c.path)
        .limit(limit)
    )
    return [(row[0], row[1], row[2], row[3]) for row in connection.execute(query)]


def expired(connection: Connection, vo: int, terms: Terms, now: datetime, limit: int) -> list[int]:
    """Members whose end, with grace, has passed."""
    over = now - timedelta(days=terms.grace_days)
    active = members.c.state == MemberState.ACTIVE.value
    return _ids(connection, limit, members.c.vo == vo, active, members.c.until <= over, members.c.announced != EXPIRED)


def removable(connection: Connection, vo: int, terms: Terms, removal_days: int, now: datetime, limit: int) -> list[int]:
    """Members whose end, with grace, is so many days past."""
    over = now - timedelta(days=terms.grace_days + removal_days)
    return _ids(connection, limit, members.c.vo == vo, members.c.until <= over)


def overdue(connection: Connection, vo: int, terms: Terms, now: datetime, limit: int) -> list[int]:
    """Members who were asked to accept the policy and did not in time: as `Terms.aup_due`, in the database's words."""
    if terms.aup_floor is None or terms.aup_asked is None:
        return []
    over = now - timedelta(days=terms.aup_grace_days)
    late = [members.c.since <= over, members.c.aup.is_(None) | (members.c.aup < terms.aup_floor)]
    by_version = sa.and_(*late) if terms.aup_asked <= over else sa.false()
    by_age = members.c.aup_at <= over - timedelta(days=terms.aup_days) if terms.aup_days is not None else sa.false()
    return _ids(connection, limit, members.c.vo == vo, members.c.announced == "", by_version | by_age)


def _ids(connection: Connection, limit: int, *where: sa.ColumnElement[bool]) -> list[int]:
    return list(connection.execute(sa.select(members.c.id).where(*where).order_by(members.c.id).limit(limit)).scalars())
