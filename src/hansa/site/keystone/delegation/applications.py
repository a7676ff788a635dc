"""Application credentials: a secret that signs a program on for its user, in one project, with some of the user's roles."""

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from hansa.base.database import Database
from hansa.base.errors import BadRequest, Conflict, Forbidden, NotFound, TooManyRequests, Unauthenticated
from hansa.base.rates import Rate, RateLimit
from hansa.site.identity.model import Reason
from hansa.site.keystone.delegation import store
from hansa.site.keystone.delegation.holders import Holders
from hansa.site.keystone.delegation.model import METHODS, AccessRule, ApplicationCredential, Bounds
from hansa.site.keystone.delegation.secrets import hash_of, is_right, new_secret

PER_USER = 500
ATTEMPTS = Rate(burst=100, per_minute=60)
"""For one credential from one address; right ones count too, since a program asks for a token an hour."""
_GONE = "The application credential is unknown, has ended or its secret is wrong."


@dataclass(frozen=True, slots=True)
class Maker:
    """Who asks for one: a user with a token of that project, and what the token may do there.

    `parent` is the application credential that the token came from, if it did.
    """

    user: str
    project: str
    roles: frozenset[str]
    names: frozenset[str] = frozenset()
    parent: ApplicationCredential | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """`roles` None: all that the token has. `access_rules`: those with an id and nothing else are rules the user has already.

    An empty list of rules is none, as in Keystone: the `openstack` command sends it for a credential without rules.
    """

    name: str
    secret: str | None = field(default=None, repr=False)
    description: str | None = None
    roles: tuple[str, ...] | None = None
    expires: datetime | None = None
    unrestricted: bool = False
    access_rules: Sequence[AccessRule] | None = None


class Applications:
    def __init__(self, database: Database, clock: Callable[[], datetime], holders: Holders) -> None:
        self._database = database
        self._clock = clock
        self._holders = holders
        self._attempts = RateLimit(ATTEMPTS, time.monotonic)

    async def create(self, maker: Maker, wanted: Wanted) -> tuple[ApplicationCredential, str]:
        """It, and its secret, which nobody can ask for again. Raises Forbidden, Conflict, BadRequest."""
        _check_maker(maker)
        expires = self._end(maker, wanted)
        roles = await self._roles(maker, wanted)
        if wanted.secret is None:
            secret, hashed = new_secret()
        else:
            secret, hashed = wanted.secret, await hash_of(wanted.secret)

        def write(connection: Connection) -> ApplicationCredential:
            theirs = store.applications_of(connection, maker.user)
            if any(each.name == wanted.name for each in theirs):
                raise Conflict(f"You have an application credential {wanted.name} already.", field="name")
            if len(theirs) >= PER_USER:
                raise Forbidden(f"A user has at most {PER_USER} application credentials; delete some.")
            rules = _rules(connection, maker.user, wanted.access_rules)
            new = ApplicationCredential(
                id=uuid.uuid4().hex,
                name=wanted.name,
                user=maker.user,
                project=maker.project,
                roles=roles,
                description=wanted.description,
                expires=expires,
                unrestricted=wanted.unrestricted,
                access_rules=rules,
                secret_hash=hashed,
                names=maker.names,
            )
            store.add_application(connection, new)
            return new

        return await self._database.write(write), secret

    async def get(self, user: str, identifier: str) -> ApplicationCredential:
        """NotFound also for another user's."""
        found = await self._database.read(lambda connection: store.application(connection, identifier))
        if found is None or found.user != user:
            raise NotFound("There is no such application credential.")
        return found

    async def listed(self, user: str) -> list[ApplicationCredential]:
        return await self._database.read(lambda connection: store.applications_of(connection, user))

    async def remove(self, user: str, identifier: str) -> None:
        await self.get(user, identifier)
        await self._database.write(lambda connection: store.remove_application(connection, identifier))

    async def prove(
        self, secret: bytes, client: str | None, *, identifier: str = "", user: str = "", name: str = ""
    ) -> ApplicationCredential:
        """By its id, or by its user's id and its name. Raises Unauthenticated, TooManyRequests for one who guesses."""
        if not self._attempts.allows((identifier[:64] or f"{user[:64]} {name[:64]}", client)):
            raise TooManyRequests("Too many attempts; wait a minute.", reason=Reason.ATTEMPTS.value)

        def read(connection: Connection) -> ApplicationCredential | None:
            if identifier:
                return store.application(connection, identifier)
            return store.application_named(connection, user, name)

        found = await self._database.read(read)
        if not await is_right(found.secret_hash if found else None, secret) or found is None:
            raise _refused()
        await self.bounds(found)
        return found

    async def held(self, identifier: str) -> tuple[ApplicationCredential, Bounds]:
        """What it still allows, asked at every use of a token that came from it. Raises Unauthenticated once it has ended."""
        found = await self._database.read(lambda connection: store.application(connection, identifier))
        if found is None:
            raise _refused()
        return found, await self.bounds(found)

    async def bounds(self, credential: ApplicationCredential) -> Bounds:
        """It ends for good when its user loses a role of it, or leaves: a role that comes back does not bring it back."""
        if credential.expires is not None and credential.expires <= self._clock():
            raise _refused()
        there = await self._holders.lasting_roles(credential.user, credential.project)
        if there is None:
            raise _refused()
        if not there.keys() >= set(credential.roles):
            await self._database.write(lambda connection: store.remove_application(connection, credential.id))
            raise _refused()
        names = frozenset(there[role] for role in credential.roles)
        return Bounds(credential.user, credential.project, names, credential.expires)

    async def rules(self, user: str) -> list[AccessRule]:
        return await self._database.read(lambda connection: store.rules_of(connection, user))

    async def rule(self, user: str, identifier: str) -> AccessRule:
        for each in await self.rules(user):
            if each.id == identifier:
                return each
        raise NotFound("There is no such access rule.")

    async def remove_rule(self, user: str, identifier: str) -> None:
        """Raises Forbidden while an application credential has it."""
        await self.rule(user, identifier)

        def write(connection: Connection) -> None:
            for each in store.applications_of(connection, user):
                if any(rule.id == identifier for rule in each.access_rules or ()):
                    raise Forbidden(f"The application credential {each.name} has that rule; delete it first.")
            store.remove_rule(connection, identifier)

        await self._database.write(write)

    def _end(self, maker: Maker, wanted: Wanted) -> datetime | None:
        if wanted.expires is not None and wanted.expires <= self._clock():
            raise BadRequest("'expires_at' has passed already.", field="expires_at")
        ends = [each for each in (wanted.expires, maker.parent.expires if maker.parent else None) if each]
        return min(ends) if ends else None

    async def _roles(self, maker: Maker, wanted: Wanted) -> tuple[str, ...]:
        """By their ids. What the token cannot do, and what does not last, cannot be given on."""
        lasting = await self._holders.lasting_roles(maker.user, maker.project) or {}
        theirs = {role for role, name in lasting.items() if name in maker.roles}
        if not theirs:
            message = (
                "An application credential needs roles of your own in the project; yours come from your credential."
            )
            raise Forbidden(message)
        roles = wanted.roles if wanted.roles is not None else tuple(sorted(theirs))
        if not roles:
            raise BadRequest("An application credential needs at least one role.", field="roles")
        if lost := set(roles) - theirs:
            raise Forbidden(f"You do not have the role {min(lost)} in the project.")
        return tuple(dict.fromkeys(roles))


def _check_maker(maker: Maker) -> None:
    if maker.parent is None:
        return
    if not maker.parent.unrestricted:
        raise Forbidden("This application credential is restricted: it manages no others.")
    if maker.parent.access_rules is not None:
        raise Forbidden("An application credential with access rules makes no others.")


def _rules(connection: Connection, user: str, wanted: Sequence[AccessRule] | None) -> tuple[AccessRule, ...] | None:
    if not wanted:
        return None
    known = {each.id: each for each in store.rules_of(connection, user)}
    return tuple(_rule(connection, user, known, each) for each in wanted)


def _rule(connection: Connection, user: str, known: dict[str, AccessRule], wanted: AccessRule) -> AccessRule:
    if wanted.id and not wanted.path:
        if wanted.id not in known:
            raise BadRequest(f"You have no access rule {wanted.id}.", field="access_rules")
        return known[wanted.id]
    if wanted.method not in METHODS or not wanted.path.startswith("/") or not wanted.service:
        message = "An access rule has a service's type, a path that begins with a slash, and one HTTP method."
        raise BadRequest(message, field="access_rules")
    new = AccessRule(wanted.id or uuid.uuid4().hex, wanted.service, wanted.path, wanted.method)
    return store.rule_for(connection, user, new)


def _refused() -> Unauthenticated:
    return Unauthenticated(_GONE, reason=Reason.APPLICATION_CREDENTIAL.value)
