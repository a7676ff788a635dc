"""Tables of application credentials, their access rules, and trusts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from hansa.base.database import UtcDateTime
from hansa.site.keystone.delegation.model import AccessRule, ApplicationCredential, Trust

metadata = sa.MetaData()

applications = sa.Table(
    "keystone_application_credential",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("user_id", sa.String(64), nullable=False),
    sa.Column("project_id", sa.String(64), nullable=False),
    sa.Column("roles", sa.Text, nullable=False),
    sa.Column("description", sa.Text),
    sa.Column("expires", UtcDateTime),
    sa.Column("unrestricted", sa.Boolean, nullable=False),
    sa.Column("access_rules", sa.Text),
    sa.Column("secret_hash", sa.String(255), nullable=False),
    sa.Column("names", sa.Text, nullable=False),
    sa.UniqueConstraint("user_id", "name"),
)

access_rules = sa.Table(
    "keystone_access_rule",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("user_id", sa.String(64), nullable=False),
    sa.Column("service", sa.String(64), nullable=False),
    sa.Column("path", sa.String(128), nullable=False),
    sa.Column("method", sa.String(16), nullable=False),
    sa.UniqueConstraint("user_id", "service", "path", "method"),
)

trusts = sa.Table(
    "keystone_trust",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("trustor", sa.String(64), nullable=False, index=True),
    sa.Column("trustee", sa.String(64), nullable=False, index=True),
    sa.Column("project_id", sa.String(64)),
    sa.Column("roles", sa.Text, nullable=False),
    sa.Column("impersonation", sa.Boolean, nullable=False),
    sa.Column("expires", UtcDateTime),
    sa.Column("remaining_uses", sa.Integer),
    sa.Column("redelegation_count", sa.Integer, nullable=False),
    sa.Column("redelegated_from", sa.String(64), index=True),
    sa.Column("names", sa.Text, nullable=False),
)


def add_application(connection: Connection, credential: ApplicationCredential) -> None:
    """Its access rules must be there."""
    rules = None if credential.access_rules is None else [each.id for each in credential.access_rules]
    connection.execute(
        sa.insert(applications).values(
            id=credential.id,
            name=credential.name,
            user_id=credential.user,
            project_id=credential.project,
            roles=_dump(credential.roles),
            description=credential.description,
            expires=credential.expires,
            unrestricted=credential.unrestricted,
            access_rules=None if rules is None else _dump(rules),
            secret_hash=credential.secret_hash,
            names=_dump(sorted(credential.names)),
        )
    )


def application(connection: Connection, identifier: str) -> ApplicationCredential | None:
    return next(iter(_applications(connection, applications.c.id == identifier)), None)


def application_named(connection: Connection, user: str, name: str) -> ApplicationCredential | None:
    return next(iter(_applications(connection, applications.c.user_id == user, applications.c.name == name)), None)


def applications_of(connection: Connection, user: str) -> list[ApplicationCredential]:
    return _applications(connection, applications.c.user_id == user)


def remove_application(connection: Connection, identifier: str) -> None:
    """Its access rules stay, for the user's next one."""
    connection.execute(sa.delete(applications).where(applications.c.id == identifier))


def rule_for(connection: Connection, user: str, wanted: AccessRule) -> AccessRule:
    """The user's rule that says the same, made if it is not there."""
    said = (wanted.service, wanted.path, wanted.method)
    for rule in rules_of(connection, user):
        if (rule.service, rule.path, rule.method) == said:
            return rule
    connection.execute(
        sa.insert(access_rules).values(
            id=wanted.id, user_id=user, service=wanted.service, path=wanted.path, method=wanted.method
        )
    )
    return wanted


def rules_of(connection: Connection, user: str) -> list[AccessRule]:
    found = sa.select(access_rules).where(access_rules.c.user_id == user).order_by(access_rules.c.id)
    return [AccessRule(row.id, row.service, row.path, row.method) for row in connection.execute(found)]


def remove_rule(connection: Connection, identifier: str) -> None:
    connection.execute(sa.delete(access_rules).where(access_rules.c.id == identifier))


def add_trust(connection: Connection, trust: Trust) -> None:
    connection.execute(
        sa.insert(trusts).values(
            id=trust.id,
            trustor=trust.trustor,
            trustee=trust.trustee,
            project_id=trust.project,
            roles=_dump(trust.roles),
            impersonation=trust.impersonation,
            expires=trust.expires,
            remaining_uses=trust.remaining_uses,
            redelegation_count=trust.redelegation_count,
            redelegated_from=trust.redelegated_from,
            names=_dump(sorted(trust.names)),
        )
    )


def trust(connection: Connection, identifier: str, now: datetime, *, is_counted: bool = True) -> Trust | None:
    """None also for one that has ended, or is used up if that counts."""
    return next(iter(_trusts(connection, now, trusts.c.id == identifier, is_counted=is_counted)), None)


def trusts_by(
    connection: Connection, now: datetime, *, trustor: str | None = None, trustee: str | None = None
) -> list[Trust]:
    conditions = []
    if trustor is not None:
        conditions.append(trusts.c.trustor == trustor)
    if trustee is not None:
        conditions.append(trusts.c.trustee == trustee)
    return _trusts(connection, now, *conditions)


def forget_user(connection: Connection, user: str) -> None:
    """All that the user delegated, or was delegated."""
    connection.execute(sa.delete(applications).where(applications.c.user_id == user))
    connection.execute(sa.delete(access_rules).where(access_rules.c.user_id == user))
    theirs = sa.select(trusts.c.id).where(sa.or_(trusts.c.trustor == user, trusts.c.trustee == user))
    for identifier in list(connection.scalars(theirs)):
        remove_trust(connection, identifier)


def forget_project(connection: Connection, project: str) -> None:
    connection.execute(sa.delete(applications).where(applications.c.project_id == project))
    for identifier in list(connection.scalars(sa.select(trusts.c.id).where(trusts.c.project_id == project))):
        remove_trust(connection, identifier)


def remove_trust(connection: Connection, identifier: str) -> None:
    """With every trust that follows from it."""
    doomed, found = {identifier}, {identifier}
    while found:
        following = sa.select(trusts.c.id).where(trusts.c.redelegated_from.in_(found))
        found = set(connection.scalars(following)) - doomed
        doomed |= found
    connection.execute(sa.delete(trusts).where(trusts.c.id.in_(doomed)))


def use_trust(connection: Connection, identifier: str) -> None:
    """Counts one use, where uses are counted."""
    counted = sa.and_(trusts.c.id == identifier, trusts.c.remaining_uses.is_not(None))
    connection.execute(sa.update(trusts).where(counted).values(remaining_uses=trusts.c.remaining_uses - 1))


def _applications(connection: Connection, *conditions: sa.ColumnElement[bool]) -> list[ApplicationCredential]:
    rows = connection.execute(sa.select(applications).where(*conditions).order_by(applications.c.id)).all()
    rules: dict[str, AccessRule] = {}
    for user in {row.user_id for row in rows if row.access_rules is not None}:
        rules |= {rule.id: rule for rule in rules_of(connection, user)}
    return [
        ApplicationCredential(
            id=row.id,
            name=row.name,
            user=row.user_id,
            project=row.project_id,
            roles=tuple(orjson.loads(row.roles)),
            description=row.description,
            expires=row.expires,
            unrestricted=row.unrestricted,
            access_rules=None
            if row.access_rules is None
            else tuple(rules[each] for each in orjson.loads(row.access_rules)),
            secret_hash=row.secret_hash,
            names=frozenset(orjson.loads(row.names)),
        )
        for row in rows
    ]


def _trusts(
    connection: Connection, now: datetime, *conditions: sa.ColumnElement[bool], is_counted: bool = True
) -> list[Trust]:
    alive = sa.or_(trusts.c.expires.is_(None), trusts.c.expires > now)
    if is_counted:
        alive &= sa.or_(trusts.c.remaining_uses.is_(None), trusts.c.remaining_uses > 0)
    rows = connection.execute(sa.select(trusts).where(alive, *conditions).order_by(trusts.c.id))
    return [_trust(row) for row in rows]


def _trust(row: sa.Row[Any]) -> Trust:
    return Trust(
        id=row.id,
        trustor=row.trustor,
        trustee=row.trustee,
        project=row.project_id,
        roles=tuple(orjson.loads(row.roles)),
        impersonation=row.impersonation,
        expires=row.expires,
        remaining_uses=row.remaining_uses,
        redelegation_count=row.redelegation_count,
        redelegated_from=row.redelegated_from,
        names=frozenset(orjson.loads(row.names)),
    )


def _dump(ids: Sequence[str]) -> str:
    return orjson.dumps(list(ids)).decode()
