"""Signing on, and what may be asked of a token. All refusals come from `site.identity` and `site.directory`."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

from hansa.base.errors import Forbidden, NotFound, Unauthenticated
from hansa.site.directory import Directory, Kind, Project, User, project_id, role_id, user_id
from hansa.site.directory.model import Source
from hansa.site.identity import Grant, Identity, Principal
from hansa.site.identity.basic import Basic, check_private
from hansa.site.identity.grid import GridCertificate
from hansa.site.identity.model import Reason, Scope
from hansa.site.identity.token import DELEGATION, Token
from hansa.site.identity.tokens import Tokens
from hansa.site.openstack.identity.delegates import TRUST, Delegates
from hansa.site.openstack.identity.requests import (
    ByApplication,
    ByPassword,
    ByToken,
    ProjectScope,
    TrustScope,
    Wanted,
    Wish,
)
from hansa.site.openstack.identity.scoping import Person, Scoped, Scoping

T = TypeVar("T")
SERVICE = "identity"
"""What access rules call Keystone."""
__all__ = ["Issued", "Keystone", "project_id", "role_id", "user_id"]


@dataclass(frozen=True, slots=True)
class Issued:
    """A token, what it says, whose it is, and what it is good for: None if it is not scoped."""

    text: str
    token: Token
    person: Person
    scoped: Scoped | None

    @property
    def grant(self) -> Grant | None:
        """That of the project which the token is scoped to."""
        return self.scoped.grant if self.scoped else None

    @property
    def project(self) -> Project | None:
        """The project that it is scoped to; not the domain."""
        return self.scoped.project if self.scoped and self.scoped.target.kind is Kind.PROJECT else None


class Keystone:
    """`identity` must take tokens."""

    def __init__(self, identity: Identity, tokens: Tokens, directory: Directory, delegates: Delegates) -> None:
        self._identity = identity
        self._tokens = tokens
        self._directory = directory
        self._delegates = delegates
        self.scoping = Scoping(identity, directory)

    async def sign_on(self, scope: Scope, wish: Wish) -> Issued:
        """Raises Unauthenticated (also for the banned, and without a part in that project) or TooManyRequests; noted."""
        return await self._admit(scope, self._sign_on(scope, wish))

    async def sign_on_as(self, scope: Scope, proof: Awaitable[Principal], method: str) -> Issued:
        """An unscoped token for whom `proof` gives; `method` is the protocol. Refusals as of `sign_on`."""
        return await self._admit(scope, self._sign_on_as(scope, proof, method))

    async def shown(self, scope: Scope) -> Issued:
        """The token in `X-Auth-Token`. Raises Unauthenticated; noted."""
        return await self._admit(scope, self._shown(scope))

    async def subject(self, scope: Scope) -> Issued:
        """The token in `X-Subject-Token`. NotFound if it is no good (any more)."""
        try:
            return await self._held(header(scope, b"x-subject-token"))
        except (Unauthenticated, Forbidden) as error:
            raise NotFound("There is no such token.") from error

    async def revoke(self, issued: Issued) -> None:
        await self._tokens.revoke(issued.token)

    async def proved(self, scope: Scope, proof: ByPassword, *, expired: bool = False) -> Principal:
        """Whoever's password that is. Raises Unauthenticated or TooManyRequests; noted. `expired`: an expired one will do."""
        check_private(scope)
        return await self._admit(scope, self._password(scope, proof, expired=expired))

    async def _admit(self, scope: Scope, proof: Awaitable[T]) -> T:
        try:
            return await self._identity.admit(scope, proof)
        except Forbidden as error:  # Keystone has one word for all whom it does not know as users
            raise Unauthenticated(error.message, **error.details) from error

    async def _sign_on(self, scope: Scope, wish: Wish) -> Issued:
        check_private(scope)
        parent: Token | None = None
        scoped: Scoped | None = None
        if isinstance(wish.proof, ByToken):
            parent = await self._tokens.read(wish.proof.text)
            principal = parent.principal
        elif isinstance(wish.proof, ByPassword):
            principal = await self._password(scope, wish.proof)
        elif isinstance(wish.proof, ByApplication):
            return await self._application(scope, wish.proof, wish.wanted)
        else:
            principal = await self._grid(scope)
        if isinstance(wish.wanted, TrustScope):
            return await self._trust(scope, principal, wish, parent)
        if wish.wanted is None and parent is not None and parent.delegation is not None:
            scoped = await self.scoping.of_token(parent)
        elif wish.wanted is not None:
            scoped = await self.scoping.chosen(principal, wish.wanted)
        else:
            await self._identity.grants(principal)
            if not wish.is_unscoped:
                scoped = await self.scoping.by_default(principal)
        await self._directory.welcome(principal)
        return await self._issue(scope, principal, scoped, wish.proof.method, parent)

    async def _sign_on_as(self, scope: Scope, proof: Awaitable[Principal], method: str) -> Issued:
        check_private(scope)
        principal = await proof
        await self._identity.grants(principal)
        await self._directory.welcome(principal)
        return await self._issue(scope, principal, None, method, None)

    async def _application(self, scope: Scope, proof: ByApplication, wanted: Wanted | TrustScope | None) -> Issued:
        """A token for the project of the credential; no other can be asked for."""
        user = await self._user(proof.user) if proof.user else None
        found, principal = await self._delegates.by_application(
            proof.secret, _address(scope), identifier=proof.id, user=user, name=proof.name
        )
        if isinstance(wanted, TrustScope):
            raise Unauthenticated("A delegation cannot use a trust.", reason=Reason.TRUST.value)
        scoped = await self.scoping.chosen(principal, wanted or ProjectScope(id=found.project))
        return await self._issue(scope, principal, scoped, proof.method, None, (proof.method, found.id))

    async def _trust(self, scope: Scope, trustee: Principal, wish: Wish, parent: Token | None) -> Issued:
        assert isinstance(wish.wanted, TrustScope)
        await self._identity.grants(trustee)
        found, principal = await self._delegates.by_trust(wish.wanted.id, trustee)
        scoped = await self.scoping.chosen(principal, ProjectScope(id=found.project))
        return await self._issue(scope, principal, scoped, wish.proof.method, parent, (TRUST, found.id))

    async def _issue(
        self,
        scope: Scope,
        principal: Principal,
        scoped: Scoped | None,
        method: str,
        parent: Token | None,
        delegation: tuple[str, str] | None = None,
    ) -> Issued:
        kind = scoped.target.kind if scoped else None
        project = scoped.project.key if scoped and scoped.project and kind is Kind.PROJECT else None
        text, token = self._tokens.issue(
            self._identity.relevant(principal),
            project,
            method,
            parent,
            domain=scoped.target.id if scoped and kind is Kind.DOMAIN else None,
            is_system=kind is Kind.SYSTEM,
            extra={DELEGATION: delegation} if delegation else None,
        )
        target = f"{kind}:{scoped.target.id}" if scoped and kind is not Kind.PROJECT else project
        self._identity.issued(scope, principal, project=target, audit_id=token.audit_ids[0], methods=token.methods)
        return Issued(text, token, await self.scoping.person(principal), scoped)

    async def _grid(self, scope: Scope) -> Principal:
        way = self._identity.way(GridCertificate)
        principal = await way(scope) if way else None
        if principal is None:
            message = "Show a VOMS proxy as TLS client certificate."
            raise Unauthenticated(message, reason=Reason.NO_CREDENTIAL.value)
        return principal

    async def _password(self, scope: Scope, proof: ByPassword, *, expired: bool = False) -> Principal:
        user = await self._user(proof)
        way = self._identity.way(Basic)
        if way is not None and user is not None and user.source is Source.FILE:
            return await way.prove(scope, user.name, proof.password)
        return await self._directory.signing.prove(user, proof.password, _address(scope), expired=expired)

    async def _user(self, proof: ByPassword) -> User | None:
        """Whom the client means. Nobody is in a domain that is not there: no answer must tell that it is not."""
        if proof.id is not None:
            return await self._directory.user(proof.id)
        domain = await self.scoping.domain_id(proof.domain)
        if domain is None or proof.name is None:
            return None
        return await self._directory.user_named(domain, proof.name)

    async def _shown(self, scope: Scope) -> Issued:
        check_private(scope)
        found = await self._held(header(scope, b"x-auth-token"))
        await self._tokens.check(found.token, SERVICE, scope)
        return found

    async def _held(self, text: str) -> Issued:
        token = await self._tokens.read(text)
        scoped = await self.scoping.of_token(token)
        return Issued(text, token, await self.scoping.person(token.principal), scoped)


def _address(scope: Scope) -> str | None:
    client = scope.get("client")
    return client[0] if client else None


def header(scope: Scope, wanted: bytes) -> str:
    values = [value for name, value in scope["headers"] if name == wanted]
    if len(values) == 1:
        return str(values[0].decode("latin-1"))
    message = f"Show one {'token' if wanted == b'x-auth-token' else 'subject token'} in its header."
    raise Unauthenticated(message, reason=(Reason.MALFORMED if values else Reason.NO_CREDENTIAL).value)
