"""Asked at every request: may the members that this credential speaks for still come in?

What the federation has told here is newer than a proxy of this morning or a token of an hour ago.
"""

import re
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from hansa.base.database import Database
from hansa.base.errors import Forbidden
from hansa.site.accounts import store
from hansa.site.accounts.model import Account, Known, Mode, Standing
from hansa.site.accounts.rules import has_ended, rights
from hansa.site.identity.model import Membership, Principal, Reason
from hansa.site.identity.policy import short

FRESH_SECONDS = 1.0
"""What was read may be so old, where another process follows the feed; our own changes count at once."""
REMEMBERED = 4096
_X509 = re.compile(r"X509:<I>(.*?)<S>(.*?)(?:<R>.*)?", re.DOTALL)
_OIDC = re.compile(r"OIDC:<I>(.*?)<S>(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Found:
    holders: tuple[tuple[Account, bool], ...]
    issued: datetime | None


class StandingCheck:
    """`generation` gives a number that is another one after every change in this process."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime],
        generation: Callable[[], int],
        *,
        mode: Mode,
        max_age: timedelta | None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._clock = clock
        self._generation = generation
        self._mode = mode
        self._max_age = max_age
        self._monotonic = monotonic
        self._read: OrderedDict[Known, tuple[int, float, _Found]] = OrderedDict()

    async def __call__(self, principal: Principal) -> Principal:
        """The principal with those memberships, groups and roles that still stand. Raises Forbidden if none is left."""
        known = credential_of(principal.user)
        if known is None:
            return principal
        found = await self._look(known)
        if not principal.memberships:
            return self._without_vo(principal, found)
        self._check_age(found)
        kept, refusals = list[Membership](), list[Forbidden]()
        for membership in principal.memberships:
            try:
                kept.append(self._standing(membership, found.holders))
            except Forbidden as refusal:
                refusals.append(refusal)
        if refusals and not kept:
            raise refusals[0]
        return replace(principal, memberships=tuple(kept))

    def _standing(self, membership: Membership, holders: Sequence[tuple[Account, bool]]) -> Membership:
        here = [(account, usable) for account, usable in holders if account.vo == membership.vo]
        for account, usable in here:
            if self._is_welcome(account, usable):
                return Membership(membership.vo, self._still_held(membership.fqans, account))
        if here:
            raise _refusal(membership.vo, *here[0])
        if self._mode is Mode.REQUIRE:
            message = (
                f"The federation tells this site of no member of {membership.vo} with your credential; ask the VO."
            )
            raise Forbidden(message, reason=Reason.NOT_TOLD_OF.value)
        return membership

    def _without_vo(self, principal: Principal, found: _Found) -> Principal:
        """A bare certificate, to which this site may have given something itself: not if all VOs have sent its holder away."""
        if found.holders and not any(self._is_welcome(*holder) for holder in found.holders):
            raise _refusal(found.holders[0][0].vo, *found.holders[0])
        return principal

    def _is_welcome(self, account: Account, usable: bool) -> bool:
        return usable and account.standing is Standing.ACTIVE and not has_ended(account.until, self._clock())

    def _still_held(self, fqans: Sequence[str], account: Account) -> tuple[str, ...]:
        """In `check` what was never told may be newer than our news; in `require` only what was told counts."""
        withdrawn = set(account.withdrawn)
        left = [fqan for fqan in fqans if short(fqan) not in withdrawn]
        if self._mode is Mode.REQUIRE and account.entry is not None:
            told = set(rights(account.entry))
            left = [fqan for fqan in left if short(fqan) in told]
        return tuple(left)

    def _check_age(self, found: _Found) -> None:
        if self._max_age is None:
            return
        if found.issued is None or self._clock() - found.issued > self._max_age:
            message = "This site has not heard of the federation for too long to know who is a member; try later."
            raise Forbidden(message, reason=Reason.FEED_STALE.value)

    async def _look(self, known: Known) -> _Found:
        generation, now = self._generation(), self._monotonic()
        remembered = self._read.get(known)
        if remembered and remembered[0] == generation and now - remembered[1] < FRESH_SECONDS:
            return remembered[2]
        found = await self._database.read(lambda connection: _holders(connection, known))
        self._read[known] = (generation, now, found)
        self._read.move_to_end(known)
        if len(self._read) > REMEMBERED:
            self._read.popitem(last=False)
        return found


def credential_of(user: str) -> Known | None:
    """The credential that a `Principal.user` names; None for users of the site itself."""
    if match := _X509.fullmatch(user):
        return Known("x509", match[1], match[2])
    if match := _OIDC.fullmatch(user):
        return Known("oidc", match[1], match[2])
    return None


def users_of(known: Known) -> str:
    """The other way round: what the machines of somebody with this credential are noted under."""
    return f"{'X509' if known.kind == 'x509' else 'OIDC'}:<I>{known.issuer}<S>{known.subject}"


def _holders(connection: Connection, known: Known) -> _Found:
    return _Found(tuple(store.holders(connection, known)), store.position(connection).issued)


def _refusal(vo: str, account: Account, usable: bool) -> Forbidden:
    if account.standing is Standing.SUSPENDED:
        words = f" ({account.reason})" if account.reason else ""
        return Forbidden(f"{vo} has suspended you{words}; ask its managers.", reason=Reason.SUSPENDED.value)
    if account.standing is Standing.ACTIVE and not usable:
        message = f"Your credential may no longer be used for {vo}; show another one, or ask the VO."
        return Forbidden(message, reason=Reason.CREDENTIAL_WITHDRAWN.value)
    return Forbidden(f"You are no longer a member of {vo}; ask it to take you back.", reason=Reason.REMOVED.value)
