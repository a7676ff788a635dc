"""Enrolment on a throw-away federation whose clock the test moves, with the mail that it queues."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from itertools import count

from tests.support.federation import commons
from tests.support.pki import Grid
from tests.support.voms import holder

from hansa.federation.commons import Commons
from hansa.federation.enrolment.model import Application, Draft
from hansa.federation.enrolment.service import Enrolment
from hansa.federation.enrolment.settings import EnrolmentSettings
from hansa.federation.identity.model import Caller, Operators
from hansa.federation.identity.service import Identity
from hansa.federation.membership.model import Details, RoleGrant
from hansa.standards.x509 import Credential

DRAFT = Draft(
    given_name="상완",
    surname="Kim",
    email="sangwan@example.org",
    motivation="We want to try the federation.",
    login="sangwan",
    password="s3cret-enough",
)
CODE = re.compile(r"code=(\S+)")


@dataclass
class Office:
    """`commons.registry` is the registry; `grid.now` the clock."""

    grid: Grid
    commons: Commons
    enrolment: Enrolment
    identity: Identity

    @property
    def vo(self) -> str:
        return self.grid.vo

    async def caller(self, name: str) -> Caller:
        """Whoever holds the certificate of that common name, as identity would say if certificates never grew old."""
        credential, registry = holder(self.user(name)), self.commons.registry
        person = await registry.person_of(credential)
        held = await registry.memberships_of(person.uid) if person else ()
        return Caller(person, credential, credential in self.commons.operators.credentials, False, held)

    def user(self, name: str) -> Credential:
        return self.grid.once(name, lambda: self.grid.user(name))

    async def member(self, name: str, *roles: str, email: str = "", until: timedelta | None = None) -> str:
        """A member with roles such as `VO-Admin` or `bio/Group-Manager`; gives the uid. Groups are made when missing."""
        registry, vo = self.commons.registry, self.vo
        address = email or f"{name.lower()}@example.org"
        details = Details(name, email=address, email_verified=True)
        person = await registry.add_person(details, [holder(self.user(name))])
        await registry.admit(vo, person.uid, until=self.grid.now + until if until else None)
        for each in roles:
            group, _, role = f"/{vo}/{each}".rpartition("/")
            if group not in await registry.groups(vo):
                await registry.add_group(vo, group)
            if group != f"/{vo}":
                await registry.join(vo, person.uid, group)
            await registry.grant(vo, person.uid, RoleGrant(group, role))
        return person.uid

    async def applied(self, name: str = "Sangwan", **changes: object) -> Application:
        """An application of somebody of that common name."""
        draft = replace(DRAFT, **{"email": f"{name.lower()}@example.org", "login": name.lower()[:8], **changes})  # type: ignore[arg-type]
        made, _ = await self.enrolment.apply(await self.caller(name), self.vo, draft)
        return made

    async def confirmed(self, name: str = "Sangwan", **changes: object) -> Application:
        made = await self.applied(name, **changes)
        return await self.enrolment.confirm(await self.code(made.email))

    async def letters(self, to: str | None = None) -> list[EmailMessage]:
        """Queued messages, newest first."""
        found = []
        for each in await self.commons.mail.listed(limit=1000):
            if to in (None, each.recipient):
                _, content = await self.commons.mail.content(each.id)
                letter = message_from_bytes(content, policy=policy.default)
                assert isinstance(letter, EmailMessage)
                found.append(letter)
        return found

    async def subjects(self, to: str) -> list[str]:
        return [str(each["Subject"]) for each in await self.letters(to)]

    async def code(self, to: str) -> str:
        """The secret in the latest letter to an address."""
        letter = (await self.letters(to))[0]
        found = CODE.search(letter.get_content())
        assert found
        return found[1]


@asynccontextmanager
async def office(
    database_url: str,
    grid: Grid,
    settings: EnrolmentSettings = EnrolmentSettings(),  # noqa: B008
) -> AsyncIterator[Office]:
    operators = Operators(frozenset({holder(grid.once("Operator", lambda: grid.user("Operator")))}))
    async with commons(database_url, grid, operators) as shared:
        ticks = count(0, 3600)  # the in-memory rate never bites
        enrolment = Enrolment(shared, settings, monotonic=lambda: float(next(ticks)))
        yield Office(grid, shared, enrolment, Identity(shared))
