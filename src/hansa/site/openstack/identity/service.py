"""Signing on, and what may be asked of a token. All refusals come from `site.identity`."""

import hashlib
import uuid
from collections.abc import Awaitable
from dataclasses import dataclass

from hansa.base.errors import Forbidden, NotFound, Unauthenticated
from hansa.cloud.model import ADMIN
from hansa.site.identity import Grant, Identity, Principal
from hansa.site.identity.basic import Basic, check_private
from hansa.site.identity.grid import GridCertificate
from hansa.site.identity.model import LOCAL, Reason, Scope
from hansa.site.identity.token import Token
from hansa.site.identity.tokens import Tokens
from hansa.site.openstack.identity.requests import ByPassword, ByToken, Project, Wish

_IDS = uuid.UUID("8f0c1f0e-4d0e-5c43-9f5e-6d3c1b1f6a52")


@dataclass(frozen=True, slots=True)
class Issued:
    """A token, what it says, and the grant of the project it is scoped to."""

    text: str
    token: Token
    grant: Grant | None


class Keystone:
    """`identity` must take tokens."""

    def __init__(self, identity: Identity, tokens: Tokens) -> None:
        self._identity = identity
        self._tokens = tokens

    async def sign_on(self, scope: Scope, wish: Wish) -> Issued:
        """Raises Unauthenticated (also for the banned, and without a part in that project) or TooManyRequests; noted."""
        return await self._admit(scope, self._sign_on(scope, wish))

    async def shown(self, scope: Scope) -> Issued:
        """The token in `X-Auth-Token`. Raises Unauthenticated; noted."""
        return await self._admit(scope, self._shown(scope))

    def projects(self, shown: Issued) -> tuple[Grant, ...]:
        return self._identity.grants(shown.token.principal)

    async def subject(self, scope: Scope) -> Issued:
        """The token in `X-Subject-Token`, for its own bearer and for an admin. NotFound if it is no good (any more)."""
        shown = await self.shown(scope)
        try:
            found = await self._held(_header(scope, b"x-subject-token"))
        except (Unauthenticated, Forbidden) as error:
            raise NotFound("There is no such token.") from error
        is_own = found.token.principal.user == shown.token.principal.user
        if not is_own and not (shown.grant and ADMIN in shown.grant.roles):
            raise Forbidden("Only its bearer and an admin may look at a token.")
        return found

    async def revoke(self, scope: Scope) -> None:
        """The token in `X-Subject-Token`, by the same rule."""
        await self._tokens.revoke((await self.subject(scope)).token)

    async def _admit(self, scope: Scope, proof: Awaitable[Issued]) -> Issued:
        try:
            return await self._identity.admit(scope, proof)
        except Forbidden as error:  # Keystone has one word for all whom it does not know as users
            raise Unauthenticated(error.message, **error.details) from error

    async def _sign_on(self, scope: Scope, wish: Wish) -> Issued:
        check_private(scope)
        parent = None
        if isinstance(wish.proof, ByToken):
            parent = await self._tokens.read(wish.proof.text)
            principal = parent.principal
        elif isinstance(wish.proof, ByPassword):
            principal = await self._local(scope, wish.proof)
        else:
            principal = await self._grid(scope)
        grants = self._identity.grants(principal)
        grant = _chosen(grants, wish.project) if wish.project else None
        project = grant.project if grant else None
        text, token = self._tokens.issue(self._identity.relevant(principal), project, wish.proof.method, parent)
        self._identity.issued(scope, principal, project=project, audit_id=token.audit_ids[0], methods=token.methods)
        return Issued(text, token, grant)

    async def _grid(self, scope: Scope) -> Principal:
        way = self._identity.way(GridCertificate)
        principal = await way(scope) if way else None
        if principal is None:
            message = "Show a VOMS proxy as TLS client certificate."
            raise Unauthenticated(message, reason=Reason.NO_CREDENTIAL.value)
        return principal

    async def _local(self, scope: Scope, proof: ByPassword) -> Principal:
        way = self._identity.way(Basic)
        if way is None:
            raise Unauthenticated("This site has no local users.", reason=Reason.PASSWORD.value)
        name = proof.name if proof.name is not None else way.named(lambda name: user_id(LOCAL + name) == proof.id)
        return await way.prove(scope, name, proof.password)

    async def _shown(self, scope: Scope) -> Issued:
        check_private(scope)
        return await self._held(_header(scope, b"x-auth-token"))

    async def _held(self, text: str) -> Issued:
        token = await self._tokens.read(text)
        project = token.principal.project
        best = self._identity.choose(token.principal, project)
        return Issued(text, token, best if project is not None else None)


def project_id(name: str) -> str:
    """The same at every start, and an identifier as OpenStack's clients expect."""
    return uuid.uuid5(_IDS, f"project {name}").hex


def role_id(name: str) -> str:
    return uuid.uuid5(_IDS, f"role {name}").hex


def user_id(user: str) -> str:
    """SHA-256 of what `Principal.user` holds, in hexadecimal digits."""
    return hashlib.sha256(user.encode()).hexdigest()


def _chosen(grants: tuple[Grant, ...], wanted: Project) -> Grant:
    for grant in grants:
        if wanted.id == project_id(grant.project) or wanted.name == grant.project:
            return grant
    raise Forbidden("You have no part in that project.", reason=Reason.FOREIGN_PROJECT.value)


def _header(scope: Scope, wanted: bytes) -> str:
    values = [value for name, value in scope["headers"] if name == wanted]
    if len(values) == 1:
        return str(values[0].decode("latin-1"))
    message = f"Show one {'token' if wanted == b'x-auth-token' else 'subject token'} in its header."
    raise Unauthenticated(message, reason=(Reason.MALFORMED if values else Reason.NO_CREDENTIAL).value)
