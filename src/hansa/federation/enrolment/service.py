"""Enrolment as the rest of the federation uses it. The rules stand in `applying`, `deciding` and `lifecycle`."""

import asyncio
import secrets
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import structlog
from prometheus_client import Counter
from sqlalchemy import Connection

from hansa.base.errors import BackendDown, CapacityExceeded
from hansa.base.passwords import hash_password
from hansa.base.rates import Rate, RateLimit
from hansa.base.telemetry.metrics import REGISTRY
from hansa.federation.commons import Commons
from hansa.federation.enrolment import applying, deciding, following, lifecycle, office, store
from hansa.federation.enrolment.errors import NotYours, TooOften
from hansa.federation.enrolment.form import Filled, check
from hansa.federation.enrolment.model import Application, Draft, Kind, Link, Page, Purpose, State
from hansa.federation.enrolment.office import Office
from hansa.federation.enrolment.rules import Rules
from hansa.federation.enrolment.settings import EnrolmentSettings
from hansa.federation.identity.model import Caller
from hansa.federation.membership.act import Act
from hansa.federation.membership.model import SYSTEM, Policy
from hansa.federation.membership.store import persons as person_store
from hansa.federation.membership.vos import find_vo

T = TypeVar("T")
PAGE = 100
MINE = 100
log = structlog.stdlib.get_logger(__name__)
steps = Counter("hansa_enrolment_steps", "Steps that applications took.", ["step"], registry=REGISTRY)


class Enrolment:
    """Every call is one transaction, and the letters it causes are queued in it. Raises what the rules raise."""

    def __init__(
        self,
        commons: Commons,
        settings: EnrolmentSettings = EnrolmentSettings(),  # noqa: B008  # frozen
        *,
        new_token: Callable[[], str] = secrets.token_urlsafe,  # 256 bits
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._commons = commons
        self._office = Office(commons.mail, commons.url, settings, new_token)
        self._pause = settings.sweep_seconds
        self._rates = RateLimit(Rate(burst=20, per_minute=10), monotonic)
        self._looks = RateLimit(Rate(burst=60, per_minute=30), monotonic)
        self._hashing = asyncio.Semaphore(2)
        self._task: asyncio.Task[None] | None = None

    # The applicant

    async def form(self, vo: str, kind: Kind) -> tuple[Rules, Policy | None]:
        """What the VO asks, and the policy that has to be accepted. Raises NoSuchVo."""

        def look(connection: Connection) -> tuple[Rules, Policy | None]:
            find_vo(connection, vo)
            return office.rules_of(connection, vo), applying.policy_for(connection, vo, kind)

        return await self._commons.database.read(look)

    async def apply(
        self, caller: Caller, vo: str, draft: Draft, *, group: str = "", renewal: bool = False, client: str = ""
    ) -> tuple[Application, dict[str, str]]:
        """A new application, and warnings by field. `client`: the address that it came from.

        Raises FormInvalid, AlreadyApplied, TooOften, NoRenewal; AlreadyExists, NoSuchMember, NoSuchVo, NoSuchGroup of membership.
        """
        self._not_too_often(caller, client, self._rates)
        kind = applying.kind_of(caller, vo, group, renewal=renewal)
        filled, aup = await self._filled(caller, vo, group, kind, draft)
        hashed = None
        if filled.password:
            async with self._hashing:
                hashed = await asyncio.to_thread(hash_password, filled.password.encode())
        made = await self._do(
            caller.actor,
            lambda act: applying.apply(act, self._office, caller, vo, group, kind, filled, password=hashed, aup=aup),
        )
        self._tell("applied", made, caller.actor, client)
        return made, dict(filled.warnings)

    async def check(
        self, caller: Caller, vo: str, draft: Draft, *, group: str = "", renewal: bool = False, client: str = ""
    ) -> dict[str, str]:
        """As `apply`, but only looks; gives the warnings."""
        self._not_too_often(caller, client, self._looks)
        kind = applying.kind_of(caller, vo, group, renewal=renewal)
        filled, _aup = await self._filled(caller, vo, group, kind, draft)
        return dict(filled.warnings)

    async def mine(self, caller: Caller) -> list[Application]:
        """Newest first."""
        uid = caller.person.uid if caller.person else None
        return await self._commons.database.read(lambda c: store.of_applicant(c, caller.credential, uid, MINE))

    async def application(self, caller: Caller, number: int) -> Application:
        """Raises NoSuchApplication."""
        return await self._commons.database.read(lambda c: office.get(c, caller, number))

    async def resend(self, caller: Caller, number: int, email: str | None = None, *, client: str = "") -> Application:
        """Another letter with a link. Raises NotNow, TooOften, InvalidAddress."""
        self._not_too_often(caller, client, self._rates)
        found = await self._do(caller.actor, lambda act: applying.resend(act, self._office, caller, number, email))
        self._tell("resent", found, caller.actor, client)
        return found

    async def withdraw(self, caller: Caller, number: int) -> Application:
        found = await self._do(caller.actor, lambda act: applying.withdraw(act, caller, number))
        self._tell("withdrawn", found, caller.actor)
        return found

    async def link(self, caller: Caller, number: int) -> Application:
        """Make the application's credential one more of the caller's own. Raises NoSuchApplication, NotYours, NotNow."""
        found = await self._do(caller.actor, lambda act: applying.link_person(act, caller, number))
        self._tell("linked", found, caller.actor)
        return found

    # Mailed links

    async def look(self, token: str, purpose: Purpose) -> Link:
        """Raises LinkInvalid, LinkExpired."""
        return await self._commons.database.read(lambda c: applying.look(Act(c, self._commons.clock()), token, purpose))

    async def confirm(self, token: str, *, client: str = "") -> Application:
        """Raises LinkInvalid, LinkExpired, NotNow."""
        found = await self._do("link", lambda act: applying.confirm(act, self._office, token))
        self._tell("confirmed", found, "link", client)
        return found

    async def decline(self, token: str) -> Link:
        """Raises LinkInvalid, LinkExpired."""
        found = await self._do("link", lambda act: lifecycle.decline(act, token))
        self._commons.audit("enrolment.declined", vo=found.vo, person=found.person)
        return found

    # The managers

    async def listed(
        self,
        caller: Caller,
        vo: str,
        *,
        state: State | None = None,
        search: str = "",
        after: int | None = None,
        limit: int = PAGE,
    ) -> Page:
        """Newest first: a VO's administrators see all, a group's managers those who want to be in it. Raises NotYours."""
        groups = None if caller.operator or caller.is_vo_admin(vo) else caller.managed(vo)
        if groups is not None and not groups:
            raise NotYours("Only the VO's administrators and its groups' managers see its applications.")

        def look(connection: Connection) -> Page:
            find_vo(connection, vo)
            return store.listed(
                connection, vo, state=state, groups=groups, search=search, after=after, limit=min(limit, PAGE)
            )

        return await self._commons.database.read(look)

    async def approve(self, caller: Caller, number: int) -> Application:
        found = await self._do(caller.actor, lambda act: deciding.approve(act, self._office, caller, number))
        self._tell("approved", found, caller.actor)
        return found

    async def reject(self, caller: Caller, number: int, reason: str) -> Application:
        found = await self._do(caller.actor, lambda act: deciding.reject(act, self._office, caller, number, reason))
        self._tell("rejected", found, caller.actor)
        return found

    async def rules(self, vo: str) -> Rules:
        """Raises NoSuchVo."""

        def look(connection: Connection) -> Rules:
            find_vo(connection, vo)
            return office.rules_of(connection, vo)

        return await self._commons.database.read(look)

    async def set_rules(self, caller: Caller, vo: str, rules: Rules) -> Rules:
        """For the VO's administrators. Raises NotYours, NoSuchVo."""
        if not (caller.operator or caller.is_vo_admin(vo)):
            raise NotYours("Only the VO's administrators set its rules.")

        def change(act: Act) -> None:
            find_vo(act.connection, vo)
            store.save_rules(act.connection, vo, rules.model_dump_json(), act.now)

        await self._do(caller.actor, change)
        self._commons.audit("enrolment.rules_set", vo=vo, actor=caller.actor)
        return rules

    # Time

    async def sweep(self) -> int:
        """Do all that is due now; how many applications, changes and members it was."""
        done = 0
        for batch in (lifecycle.expire, following.follow):
            while count := await self._do(SYSTEM, partial(_batch, batch, self._office)):
                done += count
        for vo in await self._commons.registry.vos():
            rules = await self.rules(vo.name)
            for sweeper in (lifecycle.remind, lifecycle.ask_to_accept):
                done += await self._sweep(sweeper, vo.name, rules)
        await self._commons.database.write(
            lambda c: store.forget_links(c, self._commons.clock() - lifecycle.LINKS_KEPT)
        )
        return done

    async def open(self) -> None:
        """Sweep in the background from now on."""
        self._task = asyncio.create_task(self._run(), name="enrolment sweeps")

    async def close(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _sweep(self, sweeper: lifecycle.Sweeper, vo: str, rules: Rules) -> int:
        beyond, done = 0, 0
        while True:
            batch = await self._do(SYSTEM, partial(_swept, sweeper, self._office, vo, rules, beyond))
            done += batch.done
            if batch.looked < lifecycle.BATCH:
                return done
            beyond = batch.beyond

    async def _run(self) -> None:
        while True:
            try:
                await self.sweep()
            except (BackendDown, CapacityExceeded) as error:
                log.warning("enrolment.database_away", error=error.message)
            except Exception:
                log.exception("enrolment.sweep_failed")
            await asyncio.sleep(self._pause)

    async def _filled(self, caller: Caller, vo: str, group: str, kind: Kind, draft: Draft) -> tuple[Filled, str | None]:
        def look(connection: Connection) -> tuple[Filled, str | None]:
            act = Act(connection, self._commons.clock(), caller.actor)
            rules = office.rules_of(connection, vo)
            applying.check_place(act, caller, vo, group, kind, rules)
            has_login = caller.person is not None and caller.person.login is not None
            asks_login = kind is Kind.INITIAL and rules.login and not has_login
            filled = check(draft, kind, rules, asks_login=asks_login)
            if filled.login:
                applying.login_is_free(act, filled.login)
            return filled, applying.check_aup(act, vo, kind, draft.aup)

        return await self._commons.database.read(look)

    def _not_too_often(self, caller: Caller, client: str, rates: RateLimit) -> None:
        credential = office.credential_of(caller)
        if not all(rates.allows(key) for key in (person_store.texts(credential), client)):
            raise TooOften("Too many applications at once; wait a minute.")

    async def _do(self, actor: str, rule: Callable[[Act], T]) -> T:
        return await self._commons.database.write(lambda c: rule(Act(c, self._commons.clock(), actor)))

    def _tell(self, step: str, application: Application, actor: str, client: str = "") -> None:
        steps.labels(step).inc()
        self._commons.audit(
            f"enrolment.{step}",
            vo=application.vo,
            application=application.id,
            kind=application.kind.value,
            state=application.state.value,
            person=application.person,
            actor=actor,
            decided_by=application.decided_by,
            client=client,
        )


def _batch(batch: Callable[[Act, Office], int], office: Office, act: Act) -> int:
    return batch(act, office)


def _swept(sweeper: lifecycle.Sweeper, office: Office, vo: str, rules: Rules, beyond: int, act: Act) -> lifecycle.Sweep:
    return sweeper(act, office, vo, rules, beyond)
