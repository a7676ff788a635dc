"""What can be done with accounts: follow the feed, look, and decide about what is held."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

import structlog
from prometheus_client import Counter, Gauge
from sqlalchemy import Connection

from hansa.base.database import Database
from hansa.base.telemetry.metrics import REGISTRY
from hansa.site.accounts import store
from hansa.site.accounts.applying import Applying
from hansa.site.accounts.errors import Diverged, DocumentRefused, NotHeld, OutOfPlace
from hansa.site.accounts.model import Account, Brake, Change, Filter, Outcome, Position, Standing, Status
from hansa.site.accounts.rules import followed
from hansa.site.identity.service import Audit
from hansa.standards.errors import StandardError
from hansa.standards.jwt import KeySet
from hansa.standards.memberfeed import Wish, open_document

PAGE = 1000
"""Accounts of one listing's page."""

pages = Counter("hansa_accounts_pages", "Documents of the feed, taken over or refused.", ["result"], registry=REGISTRY)
held_now = Gauge("hansa_accounts_held", "Members whose loss is held until an operator decides.", registry=REGISTRY)
known_now = Gauge("hansa_accounts_members", "Members by their standing here.", ["standing"], registry=REGISTRY)
age = Gauge("hansa_accounts_age_seconds", "Age of the federation's last word.", registry=REGISTRY)
log = structlog.stdlib.get_logger(__name__)


class _DryRun(Exception):  # no error: it takes the outcome out of a transaction that must not stay
    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


class Accounts:
    """`site` and `federation`: whom documents must be for and from; `keys` gives the present keys of the federation."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime],
        audit: Audit,
        *,
        site: str,
        federation: str,
        keys: Callable[[], KeySet],
        brake: Brake,
    ) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit
        self._site = site
        self._federation = federation
        self._keys = keys
        self._brake = brake
        self._anew = False
        self.generation = 0
        """Another one after every change in this process."""

    # The feed

    async def wish(self) -> Wish:
        """What we ask for next, with a nonce that was never used."""
        place = await self._database.read(store.position)
        nonce = secrets.token_urlsafe(18)
        if self._anew:
            return Wish(nonce)
        return Wish(nonce, place.sequence, place.lineage, place.scope, place.run is not None)

    async def standing_wish(self) -> Wish:
        """The same, with the nonce that is kept until a document has answered it: for those who push."""
        place = await self._database.read(store.position)
        if not place.nonce:
            place = await self._database.write(_with_nonce)
        return replace(await self.wish(), nonce=place.nonce)

    async def receive(self, text: bytes, wish: Wish, *, dry_run: bool = False) -> Outcome:
        """Take over a document that answers `wish`. Raises DocumentRefused, OutOfPlace, Diverged: then nothing has changed."""
        now = self._clock()
        try:
            document = await asyncio.to_thread(
                open_document,
                text,
                self._keys(),
                issuer=self._federation,
                audience=self._site,
                nonce=wish.nonce,
                now=now,
            )
        except StandardError as error:
            pages.labels("refused").inc()
            self._audit("accounts.document_refused", code=DocumentRefused.code, reason=error.code, error=error.reason)
            raise DocumentRefused(f"The document is refused: {error.reason}.", reason=error.code) from error

        def apply(connection: Connection) -> Outcome:
            outcome = Applying(connection, self._brake, now).apply(document, wish.nonce, secrets.token_urlsafe(18))
            if dry_run:
                raise _DryRun(outcome)
            return outcome

        try:
            outcome = await self._database.write(apply)
        except _DryRun as told:
            return told.outcome
        except (OutOfPlace, Diverged) as error:
            self._anew = True
            pages.labels("diverged").inc()
            self._audit("accounts.begins_anew", code=error.code, error=error.message, sequence=document.page.sequence)
            log.error("accounts.begins_anew", code=error.code, sequence=document.page.sequence)
            raise
        self._anew = False
        self.generation += 1
        pages.labels("taken").inc()
        self._note(outcome.changes)
        return outcome

    def _note(self, changes: Sequence[Change]) -> None:
        """Newcomers are no news for the audit log: a first snapshot is full of them."""
        for each in changes:
            if each.held is not None:
                self._audit("accounts.held", vo=each.vo, uid=each.uid, name=each.name, wanted=each.held.value)
            elif each.before is not None or each.after is not Standing.ACTIVE:
                before = each.before.value if each.before else None
                self._audit(
                    "accounts.changed", vo=each.vo, uid=each.uid, name=each.name, before=before, now=each.after.value
                )
        held = [each for each in changes if each.held is not None]
        if held:
            advice = "hansa site accounts held"
            log.error("accounts.losses_held", members=len(held), vos=sorted({each.vo for each in held}), next=advice)

    # A look

    async def status(self) -> Status:
        """And the gauges with it."""
        found = await self._database.read(lambda c: Status(store.position(c), store.counts(c), store.held(c)))
        for standing in Standing:
            known_now.labels(standing.value).set(found.counts.get(standing.value, 0))
        held_now.set(found.held)
        if found.position.issued is not None:
            age.set(max((self._clock() - found.position.issued).total_seconds(), 0))
        return found

    async def every(self, wanted: Filter) -> list[Account]:
        """All that are meant, in order of VO and uid."""
        found, after = list[Account](), ("", "")
        while page := await self._database.read(partial(store.accounts, wanted=wanted, limit=PAGE, after=after)):
            found += page
            after = (page[-1].vo, page[-1].uid)
        return found

    async def concern(self) -> str | None:
        """What an operator should look at, in a sentence."""
        held = (await self.status()).held
        return f"{held} losses of members are held: see `hansa site accounts held`." if held else None

    # What is held

    async def release(self, uids: Sequence[str] = (), *, actor: str) -> list[Account]:
        """Let the losses take effect; of these people, or all. They do not count against later ones. Raises NotHeld."""
        return await self._decide(uids, "accounts.released", actor, lambda each, now: followed(each, now))

    async def refuse(self, uids: Sequence[str] = (), *, actor: str) -> list[Account]:
        """Keep these people, whatever the federation says, until it tells of them as members again. Raises NotHeld."""
        return await self._decide(
            uids, "accounts.refused", actor, lambda each, _now: replace(each, held=None, kept=True)
        )

    async def _decide(
        self, uids: Sequence[str], event: str, actor: str, decision: Callable[[Account, datetime], Account]
    ) -> list[Account]:
        def decide(connection: Connection) -> list[Account]:
            held, after = list[Account](), ("", "")
            while page := store.accounts(connection, Filter(held=True), limit=PAGE, after=after):
                held += [each for each in page if not uids or each.uid in uids]
                after = (page[-1].vo, page[-1].uid)
            if missing := set(uids) - {each.uid for each in held}:
                raise NotHeld(f"Nothing is held of {', '.join(sorted(missing))}.")
            decided = [decision(each, self._clock()) for each in held]
            store.put(connection, decided)
            return decided

        decided = await self._database.write(decide)
        self.generation += 1
        for each in decided:
            self._audit(event, vo=each.vo, uid=each.uid, name=each.name, now=each.standing.value, actor=actor)
        return decided


def _with_nonce(connection: Connection) -> Position:
    place = store.position(connection)
    if not place.nonce:
        place = replace(place, nonce=secrets.token_urlsafe(18))
        store.set_position(connection, place)
    return place
