"""Between delegations and the directory: who has roles for good, who a delegate acts as, and how far its token goes."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from hansa.base.errors import Forbidden, Unauthenticated
from hansa.site.directory import Directory, User, user_id
from hansa.site.directory.model import Source
from hansa.site.directory.signing import principal_of
from hansa.site.identity import Grant, Identity, Principal
from hansa.site.identity.basic import Basic
from hansa.site.identity.model import Reason
from hansa.site.identity.token import Token
from hansa.site.keystone.delegation import ApplicationCredential, Applications, Bounds, Trust, Trusts
from hansa.site.openstack.identity.answers import Json
from hansa.site.openstack.identity.requests import ProjectScope
from hansa.site.openstack.identity.scoping import Scoping

APPLICATION = "application_credential"
TRUST = "trust"


class Lasting:
    """What the directory and the users file say of somebody, whatever credential the person may show: `Holders`."""

    def __init__(self, identity: Identity, directory: Directory) -> None:
        self._identity = identity
        self._directory = directory
        self._scoping = Scoping(identity, directory)

    async def lasting_roles(self, user: str, project: str) -> Mapping[str, str] | None:
        found = await self._directory.projects.find(project)
        if found is None:
            return {}
        things = await self._directory.things()
        if not found.enabled or not things.is_open(found.domain_id or found.id):
            return None
        principal = await self.principal(user)
        if principal is None:
            return {}
        try:
            scoped = await self._scoping.chosen(principal, ProjectScope(id=project))
        except (Forbidden, Unauthenticated):
            return {}
        return {role.id: role.name for role in scoped.roles}

    async def is_there(self, user: str) -> bool:
        found = await self._directory.users.find(user)
        return found is not None and found.enabled and (await self._directory.things()).is_open(found.domain_id)

    async def principal(self, user: str, names: Iterable[str] = ()) -> Principal | None:
        """The user as after a sign-on that proved nothing but who it is. `names`: of those who are not of the directory."""
        found = await self._directory.users.find(user)
        if found is None or found.source is Source.DIRECTORY:
            return principal_of(found) if found else None
        if found.source is Source.FILE:
            basic = self._identity.way(Basic)
            return basic.local(found.name) if basic else None
        return Principal(found.principal or "", found.name, frozenset(names)) if found.principal else None


class Delegates:
    """What `Tokens` asks of tokens that a delegation gave, and who such a token is for."""

    def __init__(self, lasting: Lasting, directory: Directory, applications: Applications, trusts: Trusts) -> None:
        self._lasting = lasting
        self._directory = directory
        self.applications = applications
        self.trusts = trusts

    async def by_application(
        self, secret: bytes, client: str | None, *, identifier: str | None, user: User | None, name: str | None
    ) -> tuple[ApplicationCredential, Principal]:
        """Whom the credential acts for. Raises Unauthenticated, TooManyRequests."""
        owner = user.id if user else ""
        found = await self.applications.prove(secret, client, identifier=identifier or "", user=owner, name=name or "")
        bounds = await self.applications.bounds(found)
        principal = await self._lasting.principal(found.user, found.names)
        return found, await self._within(principal, bounds)

    async def by_trust(self, identifier: str, trustee: Principal) -> tuple[Trust, Principal]:
        """Whom the trustee becomes: the trustor, or itself with the trustor's roles. It never lasts longer than the trustee's
        credential, and a limited one stays limited."""
        if trustee.is_bound:
            raise Unauthenticated("A delegation cannot use a trust.", reason=Reason.TRUST.value)
        found, bounds = await self.trusts.use(identifier, user_id(trustee.user))
        if not found.impersonation:
            return found, await self._within(replace(trustee, memberships=()), bounds)
        trustor = await self._lasting.principal(found.trustor, found.names)
        bound = await self._within(trustor, bounds)
        return found, replace(bound, limited=trustee.limited, not_after=_first(bound.not_after, trustee.not_after))

    async def bound(self, token: Token) -> Principal:
        kind, identifier = token.delegation or ("", "")
        if kind == APPLICATION:
            _, bounds = await self.applications.held(identifier)
        else:
            _, bounds = await self.trusts.held(identifier, is_counted=False)
        return await self._within(token.principal, bounds)

    async def check(self, token: Token, service: str, method: str, path: str) -> None:
        """Validating a token is always allowed, as everywhere in OpenStack: a service may do it with its caller's token."""
        kind, identifier = token.delegation or ("", "")
        if kind != APPLICATION or (service, method, path) == ("identity", "GET", "/v3/auth/tokens"):
            return
        found, _ = await self.applications.held(identifier)
        if found.access_rules is None or any(rule.allows(service, method, path) for rule in found.access_rules):
            return
        message = "The access rules of the application credential do not allow this request."
        raise Forbidden(message, reason=Reason.ACCESS_RULE.value)

    async def application(self, token: Token) -> ApplicationCredential | None:
        """The application credential that the token came from."""
        kind, identifier = token.delegation or ("", "")
        return (await self.applications.held(identifier))[0] if kind == APPLICATION else None

    async def told(self, token: Token) -> Json:
        """What the token's body says of its delegation."""
        kind, identifier = token.delegation or ("", "")
        if kind == APPLICATION:
            found, _ = await self.applications.held(identifier)
            shown: Json = {"id": found.id, "name": found.name, "restricted": not found.unrestricted}
            if found.access_rules is not None:
                shown["access_rules"] = [
                    {"id": rule.id, "service": rule.service, "path": rule.path, "method": rule.method}
                    for rule in found.access_rules
                ]
            return {"application_credential": shown}
        if kind == TRUST:
            trust, _ = await self.trusts.held(identifier, is_counted=False)
            people = {"trustor_user": {"id": trust.trustor}, "trustee_user": {"id": trust.trustee}}
            return {"OS-TRUST:trust": {"id": trust.id, "impersonation": trust.impersonation, **people}}
        return {}

    async def _within(self, principal: Principal | None, bounds: Bounds) -> Principal:
        project = await self._directory.projects.find(bounds.project)
        if principal is None or project is None or user_id(principal.user) != bounds.user:
            raise Unauthenticated("The token was revoked.", reason=Reason.TOKEN_REVOKED.value)
        grant = Grant(project.key, bounds.roles, assigned=bounds.roles)
        until = _first(principal.not_after, bounds.until)
        return replace(principal, grant=grant, project=project.key, is_bound=True, not_after=until)


def _first(*ends: datetime | None) -> datetime | None:
    return min((each for each in ends if each is not None), default=None)
