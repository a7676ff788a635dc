"""Trusts (OS-TRUST): a user lets another use some roles of his in a project, for a time or a number of times."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from hansa.base.database import Database
from hansa.base.errors import BadRequest, Forbidden, NotFound, Unauthenticated
from hansa.site.identity.model import Reason
from hansa.site.keystone.delegation import store
from hansa.site.keystone.delegation.holders import Holders
from hansa.site.keystone.delegation.model import Bounds, Trust

MAX_REDELEGATION = 3
"""How many trusts may follow one another; Keystone's default."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """`roles` by ids. `redelegation_count` None: as many as may be, if `allow_redelegation`. `parent`: the token's trust."""

    trustor: str
    trustee: str
    project: str | None
    roles: tuple[str, ...]
    impersonation: bool
    expires: datetime | None = None
    remaining_uses: int | None = None
    allow_redelegation: bool = False
    redelegation_count: int | None = None
    parent: str | None = None
    names: frozenset[str] = frozenset()


class Trusts:
    def __init__(self, database: Database, clock: Callable[[], datetime], holders: Holders) -> None:
        self._database = database
        self._clock = clock
        self._holders = holders

    async def create(self, wanted: Wanted) -> Trust:
        """Raises BadRequest, Forbidden, and NotFound for a trustee or a role that is not there."""
        if wanted.expires is not None and wanted.expires <= self._clock():
            raise BadRequest("'expires_at' has passed already.", field="expires_at")
        if not await self._holders.is_there(wanted.trustee):
            raise NotFound(f"Could not find user: {wanted.trustee}.")
        new = self._new(wanted)
        if wanted.parent is not None:
            new = await self._following(new, wanted)
        elif wanted.project is not None:
            if not wanted.roles:
                raise Forbidden("At least one role should be specified.")
            lasting = await self._holders.lasting_roles(wanted.trustor, wanted.project) or {}
            if lost := set(wanted.roles) - lasting.keys():
                raise NotFound(f"Could not find role: {min(lost)}.")
        await self._database.write(lambda connection: store.add_trust(connection, new))
        return new

    async def get(self, identifier: str) -> Trust:
        """NotFound also for one that has ended or is used up."""
        now = self._clock()
        found = await self._database.read(lambda connection: store.trust(connection, identifier, now))
        if found is None:
            raise NotFound(f"Could not find trust: {identifier}.")
        return found

    async def listed(self, *, trustor: str | None = None, trustee: str | None = None) -> list[Trust]:
        now = self._clock()
        return await self._database.read(
            lambda connection: store.trusts_by(connection, now, trustor=trustor, trustee=trustee)
        )

    async def remove(self, identifier: str) -> None:
        """With every trust that follows from it."""
        await self.get(identifier)
        await self._database.write(lambda connection: store.remove_trust(connection, identifier))

    async def use(self, identifier: str, trustee: str) -> tuple[Trust, Bounds]:
        """One use of it, for a token. Raises Unauthenticated for who is not the trustee, and once it has ended."""
        found, bounds = await self.held(identifier)
        if found.trustee != trustee:
            raise _refused()
        now = self._clock()

        def write(connection: Connection) -> None:
            if store.trust(connection, identifier, now) is None:  # used up meanwhile
                raise _refused()
            store.use_trust(connection, identifier)

        if found.remaining_uses is not None:
            await self._database.write(write)
        return found, bounds

    async def held(self, identifier: str, *, is_counted: bool = True) -> tuple[Trust, Bounds]:
        """What it still allows. `is_counted` False: for a token that was had while uses were left. Raises Unauthenticated."""
        now = self._clock()
        chain = await self._database.read(lambda connection: _chain(connection, identifier, now, is_counted=is_counted))
        if not chain or chain[0].project is None:
            raise _refused()
        found, first = chain[0], chain[-1]
        people = {each.trustor for each in chain} | {each.trustee for each in chain}
        for user in people:
            if not await self._holders.is_there(user):
                raise _refused()
        lasting = await self._holders.lasting_roles(first.trustor, chain[0].project) or {}
        if not lasting.keys() >= set(found.roles):
            raise _refused()
        user = found.trustor if found.impersonation else found.trustee
        names = frozenset(lasting[role] for role in found.roles)
        ends = [each.expires for each in chain if each.expires is not None]
        return found, Bounds(user, chain[0].project, names, min(ends) if ends else None)

    def _new(self, wanted: Wanted) -> Trust:
        count = wanted.redelegation_count
        is_open = wanted.allow_redelegation and count != 0
        if not is_open:
            count = 0
        elif wanted.remaining_uses is not None:
            message = "A trust that may be redelegated has no number of uses."
            raise BadRequest(message, field="remaining_uses")
        elif count is not None and count > MAX_REDELEGATION:
            raise Forbidden(f"At most {MAX_REDELEGATION} trusts follow one another.")
        return Trust(
            id=uuid.uuid4().hex,
            trustor=wanted.trustor,
            trustee=wanted.trustee,
            project=wanted.project,
            roles=tuple(dict.fromkeys(wanted.roles)),
            impersonation=wanted.impersonation,
            expires=wanted.expires,
            remaining_uses=wanted.remaining_uses,
            redelegation_count=MAX_REDELEGATION if count is None else count,
            names=wanted.names,
        )

    async def _following(self, new: Trust, wanted: Wanted) -> Trust:
        """A trust that a trustee makes of the one that the token shown is for: never more than that one."""
        parent, bounds = await self.held(wanted.parent or "", is_counted=False)
        left = parent.redelegation_count - 1
        if left < 0:
            raise Forbidden("That trust may not be redelegated.")
        if wanted.remaining_uses is not None:
            raise Forbidden("'remaining_uses' must not be set to redelegate a trust.")
        if new.redelegation_count and wanted.redelegation_count not in (None, left):
            raise Forbidden("'redelegation_count' is not yours to say; leave it out.")
        if wanted.impersonation and not parent.impersonation:
            raise Forbidden("That trust does not impersonate, so no trust from it can.")
        if wanted.project != parent.project or not set(wanted.roles) <= set(parent.roles) or not wanted.roles:
            raise Forbidden("Some of the roles are not in the trust that you redelegate.")
        if bounds.until is not None and wanted.expires is not None and wanted.expires > bounds.until:
            raise Forbidden("The trust that you redelegate ends before.")
        count = min(new.redelegation_count, left)
        return replace(
            new,
            expires=wanted.expires or bounds.until,
            redelegation_count=count,
            redelegated_from=parent.id,
            names=parent.names if wanted.trustor == parent.trustor else new.names,
        )


def _chain(connection: Connection, identifier: str, now: datetime, *, is_counted: bool) -> list[Trust]:
    """The trust and those that it follows from, up to the first; empty if one of them has ended."""
    found: list[Trust] = []
    wanted: str | None = identifier
    while wanted is not None:
        each = store.trust(connection, wanted, now, is_counted=is_counted)
        if each is None:
            return []
        found.append(each)
        wanted = each.redelegated_from
    return found


def _refused() -> Unauthenticated:
    message = "The trust is unknown, has ended or is used up, or is not for you."
    return Unauthenticated(message, reason=Reason.TRUST.value)
