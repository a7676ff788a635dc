"""What every resource of the face works with, and the one place where a request's token becomes a yes or a no."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from cryptography.fernet import MultiFernet
from starlette.requests import Request

from hansa.base.database import Database
from hansa.base.errors import Forbidden
from hansa.cloud.model import READ_ONLY
from hansa.site.directory import Directory, Kind
from hansa.site.identity import Identity
from hansa.site.identity.model import Reason
from hansa.site.identity.tokens import Tokens
from hansa.site.issuers.register import Register
from hansa.site.keystone.catalogue import Catalogue
from hansa.site.keystone.vault import Vault
from hansa.site.openstack.identity.delegates import Delegates
from hansa.site.openstack.identity.federated import Federated
from hansa.site.openstack.identity.render import Place
from hansa.site.openstack.identity.rules import RULES, Bearer
from hansa.site.openstack.identity.service import Issued, Keystone

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Desk:
    keystone: Keystone
    identity: Identity
    tokens: Tokens
    directory: Directory
    place: Place
    catalogue: Catalogue
    vault: Vault
    delegates: Delegates
    register: Register
    federated: Federated
    sealing: Callable[[], MultiFernet]
    database: Database
    clock: Callable[[], datetime]

    async def shown(self, request: Request) -> Issued:
        """The token in `X-Auth-Token`, looked at once a request. Raises Unauthenticated."""
        found: Issued | None = getattr(request.state, "shown", None)
        if found is None:
            found = await self.keystone.shown(request.scope)
            request.state.shown = found
        return found

    async def bearer(self, request: Request) -> Bearer:
        """Who asks. Raises Unauthenticated. Whoever reads a body asks this first: strangers' bodies are nobody's work."""
        return bearer_of(await self.shown(request))

    async def authorise(self, request: Request, rule: str, **target: str | None) -> Bearer:
        """Whether the bearer may do `rule`, a key of `rules.RULES`, to `target` (members: see `rules.Target`).

        Raises Unauthenticated, and Forbidden whether or not the target is there: call it before saying that something is not.
        A limited credential's token only reads. Refusals, and leave to change something, stand in the audit log.
        """
        principal = (await self.shown(request)).token.principal
        bearer = await self.bearer(request)
        is_change = request.method not in _SAFE
        is_limited = is_change and READ_ONLY in bearer.roles
        if is_limited or not RULES[rule](bearer, target):
            reason = Reason.READ_ONLY if is_limited else Reason.RULE
            error = Forbidden(
                f"You are not authorized to perform the requested action: {rule}.", reason=reason.value, rule=rule
            )
            self.identity.refused(request.scope, principal, error)
            raise error
        if is_change:
            self.identity.note("identity.accepted", request.scope, principal, rule=rule, **target)
        return bearer

    async def undelegated(self, request: Request, what: str) -> None:
        """Forbidden for a token that somebody else, or a program, was given: `what` it does not do."""
        if (await self.shown(request)).token.delegation is not None:
            raise Forbidden(f"A delegated token {what}.")

    def url(self, path: str) -> str:
        """The public address of what is at `path` below `/v3/`."""
        return f"{self.place.keystone}/v3/{path}"


def bearer_of(issued: Issued) -> Bearer:
    """What the token says, in the words of the rules."""
    user, scoped = issued.person.user, issued.scoped
    if scoped is None:
        return Bearer(user.id, user.domain_id)
    kind, target = scoped.target.kind, scoped.target.id
    return Bearer(
        user.id,
        user.domain_id,
        scoped.powers,
        project_id=target if kind is Kind.PROJECT else None,
        project_domain_id=scoped.domain.id if scoped.domain else None,
        domain_id=target if kind is Kind.DOMAIN else None,
        is_system=kind is Kind.SYSTEM,
    )
