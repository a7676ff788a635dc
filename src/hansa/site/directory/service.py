"""The directory as a whole, and what it says of somebody who signed on."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from hansa.base.database import Database
from hansa.base.errors import Unauthenticated
from hansa.site.directory import access, configured, listed
from hansa.site.directory.access import Place
from hansa.site.directory.book import Book
from hansa.site.directory.configured import Configured
from hansa.site.directory.groups import Groups
from hansa.site.directory.listed import Listed, Wanted
from hansa.site.directory.model import Kind, Project, Role, Source, Target, User, user_id
from hansa.site.directory.projects import Projects
from hansa.site.directory.roles import Roles
from hansa.site.directory.settings import PasswordSettings
from hansa.site.directory.signing import Signing
from hansa.site.directory.store import projects, roles, users
from hansa.site.directory.users import Users
from hansa.site.identity.model import LOCAL, USER, Grant, Principal, Reason

_ROOM = 10_000
"""People whose places are remembered."""


class Directory:
    """`rules`: what the operator decides about passwords."""

    def __init__(
        self, database: Database, clock: Callable[[], datetime], rules: PasswordSettings | None = None
    ) -> None:
        rules = rules or PasswordSettings()
        self.book = Book(database, clock)
        self.projects = Projects(self.book)
        self.users = Users(self.book, rules)
        self.groups = Groups(self.book)
        self.roles = Roles(self.book)
        self.signing = Signing(self.book, rules)
        self._said: tuple[object, ...] = ()
        self._writing = asyncio.Lock()
        self._version = -1
        self._mark: object | None = None
        self._people: dict[tuple[str, tuple[str, ...]], tuple[User | None, Mapping[Target, Place]]] = {}
        self._projects: dict[str, Project] = {}
        self._names: dict[tuple[str, str], User] = {}
        self._things = _Things({}, {}, {}, {})

    def follow(self, snapshots: Callable[[], tuple[object, ...]], read: Callable[[], Configured]) -> None:
        """Keep what the operator's files say in the directory. `snapshots` are other objects when the files have changed."""

        async def settle() -> None:
            current = snapshots()
            if len(current) == len(self._said) and all(a is b for a, b in zip(current, self._said, strict=True)):
                return
            async with self._writing:
                said = read()
                if not await self.book.look(lambda connection: configured.is_written(connection, said)):
                    await self.book.write(lambda connection: configured.write(connection, said, self.book.clock()))
                self.projects.configured = said.tenants
                self._said = current

        self.book.settle = settle

    async def person(self, principal: Principal) -> User | None:
        """The user of the directory that the principal is, if it is one."""
        return (await self._known(user_id(principal.user), principal.groups))[0]

    async def user(self, identifier: str) -> User | None:
        return (await self._known(identifier, (), is_proved=False))[0]

    async def user_named(self, domain_id: str, name: str) -> User | None:
        """Whoever signs on with that name."""
        await self._fresh()
        names = self._names
        if (domain_id, name) not in names:
            if len(names) >= _ROOM:
                names.clear()
            found = await self.book.read(lambda connection: users.named(connection, domain_id, name))
            if found is None:  # strangers' inventions are not remembered
                return None
            names[(domain_id, name)] = found
        return names[(domain_id, name)]

    async def places(self, principal: Principal) -> Mapping[Target, Place]:
        """Everywhere that assignments let the principal be."""
        return (await self._known(user_id(principal.user), principal.groups))[1]

    async def places_of(self, identifier: str) -> Mapping[Target, Place]:
        """Everywhere that assignments let the user of that id be."""
        return (await self._known(identifier, ()))[1]

    async def assignments(self, wanted: Wanted, *, effective: bool = False) -> list[Listed]:
        """As they were made, or what they come to for each person."""
        found = listed.effective if effective else listed.direct
        return await self.book.read(lambda connection: found(connection, wanted))

    async def present(self, principal: Principal) -> None:
        """Raises Unauthenticated for whoever is gone, disabled, or proved a password that is none any more."""
        person, _ = await self._known(user_id(principal.user), principal.groups)
        if person is None:
            if principal.user.startswith(USER):
                raise _ended()
            return
        if not person.enabled or not (await self.things()).is_open(person.domain_id):
            raise _ended()
        if principal.user.startswith(USER) and principal.stamp != str(person.epoch):
            raise _ended()

    async def complete(self, principal: Principal, granted: Iterable[Grant]) -> tuple[Grant, ...]:
        """What the policy grants, in its order and without closed projects, and what assignments add."""
        things = await self.things()
        found: dict[str, Grant] = {}
        for grant in granted:
            if things.is_open_key(grant.project):
                found.setdefault(grant.project, grant)
        for place in (await self.places(principal)).values():
            if place.project is None or place.target.kind is not Kind.PROJECT:
                continue
            key, names = place.project.key, frozenset(role.name for role in place.roles)
            known = found.get(key, Grant(key))
            found[key] = replace(known, roles=known.roles | names, assigned=names)
        return tuple(replace(grant, roles=things.implied_names(grant.roles)) for grant in found.values())

    async def project(self, key: str) -> Project | None:
        """That which the cloud knows by that key."""
        await self._fresh()
        found, projects_by_key = self._projects.get(key), self._projects
        if found is None and (found := await self.book.read(lambda connection: projects.by_key(connection, key))):
            projects_by_key[key] = found
        return found

    async def welcome(self, principal: Principal) -> None:
        """Keep a row for whoever signed on with a credential of the federation, so that roles can be assigned to them."""
        if principal.user.startswith((USER, LOCAL)) or await self.person(principal) is not None:
            return
        user = User(user_id(principal.user), principal.display, source=Source.SIGN_ON, principal=principal.user)

        def add(connection: Connection) -> None:
            if users.find(connection, user.id) is None:
                users.add(connection, user, self.book.clock())

        await self.book.change(add)

    async def things(self) -> "_Things":
        """Domains, closed projects and roles, as they are now."""
        await self._fresh()
        return self._things

    async def _known(
        self, identifier: str, groups: Sequence[str], *, is_proved: bool = True
    ) -> tuple[User | None, Mapping[Target, Place]]:
        """`is_proved`: somebody showed a credential of that user, who is worth remembering even without a row."""
        await self._fresh()
        key, people = (identifier, tuple(groups)), self._people
        if key not in people:

            def read(connection: Connection) -> tuple[User | None, Mapping[Target, Place]]:
                return users.find(connection, identifier), access.places(connection, identifier, groups)

            if len(people) >= _ROOM:
                people.clear()
            found = await self.book.read(read)
            if found[0] is None and not is_proved:  # strangers' inventions are not remembered
                return found
            people[key] = found  # of `people` as it was: a change meanwhile has begun another
        return people[key]

    async def _fresh(self) -> None:
        """Forget what was read before the last change."""
        mark = await self.book.mark()  # before the version: a change in between is seen next time
        if mark is not None and mark == self._mark:
            return
        version = await self.book.version()
        if version != self._version:
            things = await self.book.read(_read_things)
            self._version, self._things = version, things
            self._people, self._projects, self._names = {}, {}, {}
        self._mark = mark  # only now: who asks meanwhile must not go on with what may be out of date


class _Things:
    """What is few enough to be known by heart: domains by id, closed projects by key, roles by id, what they imply."""

    def __init__(
        self,
        domains: Mapping[str, Project],
        closed: Mapping[str, Project],
        known: Mapping[str, Role],
        implied: Mapping[str, Sequence[str]],
    ) -> None:
        self.domains = domains
        self.roles = known
        self.implied = implied
        self._closed = closed
        self._by_name = {role.name: role for role in known.values() if role.domain_id is None}

    def is_open(self, domain_id: str) -> bool:
        domain = self.domains.get(domain_id)
        return domain is not None and domain.enabled

    def is_open_key(self, key: str) -> bool:
        return key not in self._closed

    def role(self, name: str) -> Role | None:
        """The global role of that name."""
        return self._by_name.get(name)

    def implied_names(self, names: Iterable[str]) -> frozenset[str]:
        return access.implied_names(names, self.roles, self.implied)


def _read_things(connection: Connection) -> _Things:
    domains = {each.id: each for each in projects.listed(connection, is_domain=True)}
    shut = [each for each in domains.values() if not each.enabled]
    closed = {each.key: each for each in projects.closed(connection)}
    closed |= {
        each.key: each for domain in shut for each in projects.listed(connection, is_domain=False, domain_id=domain.id)
    }
    return _Things(domains, closed, roles.every(connection), roles.implications(connection))


def _ended() -> Unauthenticated:
    return Unauthenticated("The token was revoked.", reason=Reason.TOKEN_REVOKED.value)
