"""What every resource of the face works with, and the one place where a request's token becomes a yes or a no."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request

from hansa.base.database import Database
from hansa.base.errors import Forbidden
from hansa.cloud.model import READ_ONLY
from hansa.site.identity import Identity
from hansa.site.identity.model import Reason
from hansa.site.identity.tokens import Tokens
from hansa.site.openstack.identity.render import Place
from hansa.site.openstack.identity.requests import DOMAIN
from hansa.site.openstack.identity.rules import RULES, Bearer
from hansa.site.openstack.identity.service import Issued, Keystone, project_id, user_id

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Desk:
    keystone: Keystone
    identity: Identity
    tokens: Tokens
    place: Place
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

    def url(self, path: str) -> str:
        """The public address of what is at `path` below `/v3/`."""
        return f"{self.place.keystone}/v3/{path}"


def bearer_of(issued: Issued) -> Bearer:
    """What the token says, without the roles that a VO's policy gives."""
    principal, grant = issued.token.principal, issued.grant
    roles: frozenset[str] = frozenset()
    if grant is not None and grant.vo is None:
        roles = grant.roles
    if principal.limited:
        roles = frozenset({READ_ONLY})
    return Bearer(
        user_id(principal.user),
        DOMAIN,
        roles,
        project_id=project_id(grant.project) if grant else None,
        project_domain_id=DOMAIN if grant else None,
    )
