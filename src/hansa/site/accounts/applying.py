"""A page of the feed, taken over in one transaction: what is told, what follows, and our new place."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from hansa.site.accounts import store
from hansa.site.accounts.errors import Diverged, OutOfPlace
from hansa.site.accounts.model import Account, Brake, Change, Outcome, Position
from hansa.site.accounts.rules import judge, newcomer, retold
from hansa.site.accounts.store import Stored
from hansa.standards.memberfeed import Document, Entry, Gone, Kind, Page, Told, render_entry, scope_of, state_digest

CHUNK = 500


class Applying:
    """One page, on one connection."""

    def __init__(self, connection: Connection, brake: Brake, now: datetime) -> None:
        self._connection = connection
        self._brake = brake
        self._now = now
        self._state = 0
        self._changes: list[Change] = []

    def apply(self, document: Document, nonce: str, next_nonce: str) -> Outcome:
        """Raises OutOfPlace, Diverged; then nothing has changed. `nonce`: what the document answers, for naming a snapshot."""
        page, before = document.page, store.position(self._connection)
        run = _run(page, before, nonce)
        self._state = before.state
        for vo in page.vos:
            self._take(vo, [each for each in page.told if each.entry.vo == vo], run)
        if page.kind is Kind.SNAPSHOT and not page.more and run is not None:
            self._drop_unnamed(run)
            self._state = store.state(
                self._connection
            )  # counted, not followed: a snapshot heals what went wrong before
        if page.state is not None and page.state != self._state:
            raise Diverged("What is known here is not what the federation tells; everything is asked for again.")
        store.set_position(
            self._connection,
            Position(
                lineage=page.lineage,
                scope=scope_of(page.vos),
                vos=page.vos,
                sequence=page.sequence,
                head=page.head,
                run=run if page.more else None,
                state=self._state,
                issued=document.issued,
                nonce=next_nonce,
            ),
        )
        return Outcome(len(page.told), page.more, tuple(self._changes))

    def _take(self, vo: str, told: Sequence[Told], run: str | None) -> None:
        if not told:
            return
        known = store.load(self._connection, vo, [each.entry.uid for each in told])
        news = {each.entry.uid: each for each in told if _is_news(each, known.get(each.entry.uid))}
        if run is not None:
            store.mark(self._connection, vo, [uid for uid in known if uid not in news], run)
        self._follow(vo, news, known, run)

    def _drop_unnamed(self, run: str) -> None:
        """Whoever was told of before the snapshot and not in it. They are one step, however many transactions' worth."""
        for vo, count in store.unmarked(self._connection, run).items():
            left = count
            while known := store.some_unmarked(self._connection, run, vo, CHUNK):
                left -= len(known)
                gone = (Gone(vo, uid) for uid in known)
                self._follow(vo, {each.uid: Told(each, render_entry(each)) for each in gone}, known, run, others=left)

    def _follow(
        self, vo: str, news: dict[str, Told], known: dict[str, Stored], run: str | None, *, others: int = 0
    ) -> None:
        """`others`: how many more of the same step are still to come."""
        if not news:
            return
        since = self._now - timedelta(hours=self._brake.window_hours)
        tally = store.tally(self._connection, vo, since)
        tally = replace(tally, held=tally.held + others)
        present = [self._retold(each, known.get(uid)) for uid, each in news.items()]
        judged = judge(present, tally, self._brake, self._now)
        store.save(self._connection, judged, news, known, run)
        self._state = state_digest(
            self._state,
            added=[each.digest for each in news.values()],
            removed=[known[uid].digest for uid in news if uid in known],
        )
        self._changes += [_change(each, known.get(each.uid)) for each in judged if _differs(each, known.get(each.uid))]

    def _retold(self, told: Told, known: Stored | None) -> Account:
        entry = told.entry if isinstance(told.entry, Entry) else None
        if known is not None:
            return retold(known.account, entry)
        assert entry is not None, "_is_news leaves out who is neither known nor there"
        return newcomer(entry, self._now)


def _run(page: Page, before: Position, nonce: str) -> str | None:
    """The name of the snapshot that the page belongs to, None for changes. Raises OutOfPlace."""
    if page.kind is Kind.SNAPSHOT and page.previous == 0:
        return nonce
    follows = page.lineage == before.lineage and scope_of(page.vos) == before.scope and page.previous == before.sequence
    if not follows or (page.kind is Kind.SNAPSHOT) != (before.run is not None):
        raise OutOfPlace("The page does not follow the last one that was taken over.")
    return before.run


def _is_news(told: Told, known: Stored | None) -> bool:
    if known is None:
        return isinstance(told.entry, Entry)
    return told.digest != known.digest


def _differs(account: Account, known: Stored | None) -> bool:
    return known is None or (known.account.standing, known.account.held) != (account.standing, account.held)


def _change(account: Account, known: Stored | None) -> Change:
    before = known.account.standing if known else None
    return Change(account.vo, account.uid, account.name, before, account.standing, account.held)
