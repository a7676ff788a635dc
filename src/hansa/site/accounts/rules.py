"""What follows from what the federation tells. Pure: accounts in, accounts out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from hansa.site.accounts.model import Account, Brake, Standing
from hansa.standards.memberfeed import Entry, MemberState

MAX_WITHDRAWN = 200
_LOST = frozenset({Standing.LEAVING, Standing.GONE})


@dataclass(frozen=True, slots=True)
class Tally:
    """A VO before a page: members with access, and losses that count (within the window, or held)."""

    active: int
    lost: int
    held: int


def asked_for(entry: Entry | None, now: datetime) -> Standing:
    """The standing that the federation's word asks for."""
    if entry is None or has_ended(entry.until, now):
        return Standing.LEAVING
    return Standing.ACTIVE if entry.state is MemberState.ACTIVE else Standing.SUSPENDED


def has_ended(until: datetime | None, now: datetime) -> bool:
    return until is not None and until <= now


def newcomer(entry: Entry, now: datetime) -> Account:
    standing = asked_for(entry, now)
    since = entry.until if standing is Standing.LEAVING and entry.until else now
    return Account(entry.vo, entry.uid, entry.name, standing, since, entry, entry.reason, entry.until)


def retold(account: Account, entry: Entry | None) -> Account:
    """The account with what is told of it now; nothing follows from that yet."""
    if entry is None:
        return replace(account, entry=None)
    before = set(rights(account.entry)) if account.entry else set()
    withdrawn = (before | set(account.withdrawn)) - set(rights(entry))
    return replace(
        account,
        name=entry.name,
        until=entry.until,
        entry=entry,
        withdrawn=tuple(sorted(withdrawn)[:MAX_WITHDRAWN]),
    )


def rights(entry: Entry) -> tuple[str, ...]:
    """Groups and roles, as FQANs in their short form."""
    return (*entry.groups, *entry.roles)


def is_loss(account: Account, now: datetime) -> bool:
    """Whether the brake must be asked before the entry is followed.

    An end that was known beforehand is none, nor is one that an operator has refused already.
    """
    wanted = asked_for(account.entry, now)
    if wanted is Standing.ACTIVE or has_ended(account.until, now) or account.kept:
        return False
    return account.standing is Standing.ACTIVE or (
        account.standing is Standing.SUSPENDED and wanted is Standing.LEAVING
    )


def followed(account: Account, now: datetime, *, counted: bool = False) -> Account:
    """The account as its entry asks for."""
    wanted = asked_for(account.entry, now)
    if wanted is Standing.ACTIVE:
        since = account.since if account.standing is wanted else now
        return replace(
            account, standing=wanted, since=since, reason="", held=None, kept=False, counted=None, acted=None
        )
    if account.kept and not has_ended(account.until, now):
        return account
    if wanted is Standing.LEAVING and account.standing in _LOST:
        return replace(account, held=None)
    reason = account.entry.reason if account.entry else ""
    changed = account.standing is not wanted
    return replace(
        account,
        standing=wanted,
        since=_since(account, wanted, now) if changed else account.since,
        reason=reason,
        held=None,
        kept=False,
        counted=now if counted and changed else account.counted,
        acted=None,
    )


def _since(account: Account, wanted: Standing, now: datetime) -> datetime:
    if wanted is Standing.LEAVING and account.until is not None and account.until <= now:
        return account.until
    return now


def judge(accounts: Sequence[Account], tally: Tally, brake: Brake, now: datetime) -> list[Account]:
    """All accounts of one VO that a page tells of, as they shall be: losses take effect together or are held together."""
    losses = sum(1 for each in accounts if is_loss(each, now) and each.held is None)
    is_held = trips(tally, losses, brake)
    return [_judged(each, now, is_held=is_held) for each in accounts]


def _judged(account: Account, now: datetime, *, is_held: bool) -> Account:
    if not is_loss(account, now):
        return followed(account, now)
    if is_held or account.held is not None:
        return replace(account, held=asked_for(account.entry, now))
    return followed(account, now, counted=True)


def trips(tally: Tally, losses: int, brake: Brake) -> bool:
    total = tally.lost + tally.held + losses
    return bool(losses) and total > brake.members and total * 100 > brake.percent * (tally.active + tally.lost)
