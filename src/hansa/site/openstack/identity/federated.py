"""Signing on by an identity provider and protocol of OS-FEDERATION: a VOMS proxy, or the token of an issuer."""

from hansa.base.errors import BadRequest, Forbidden, NotFound, Unauthenticated
from hansa.site.directory import Directory, user_id
from hansa.site.identity import Identity, Principal
from hansa.site.identity.model import Reason, Scope
from hansa.site.issuers import Bearer, Provider
from hansa.site.issuers.bearer import token_of
from hansa.site.issuers.mapped import apply
from hansa.site.issuers.model import Proved
from hansa.site.issuers.projects import assign_projects
from hansa.site.issuers.register import IdentityProvider, Protocol, Register
from hansa.site.issuers.register.service import BEARER_PROTOCOLS, MAPPED
from hansa.site.openstack.identity.requests import ByCertificate, Wish
from hansa.site.openstack.identity.service import Issued, Keystone
from hansa.standards.mapping import MappingError, Rules, UserType


class Federated:
    def __init__(self, keystone: Keystone, identity: Identity, directory: Directory, register: Register) -> None:
        self._keystone = keystone
        self._bearer = identity.way(Bearer)
        self._directory = directory
        self._register = register

    async def sign_on(self, scope: Scope, provider: str, protocol: str) -> Issued:
        """Raises NotFound for what there is not, Forbidden for what is closed, and as `Keystone.sign_on`."""
        way, kept = await self._way(provider, protocol)
        if kept.own and kept.id == MAPPED:
            return await self._keystone.sign_on(scope, Wish(ByCertificate()))
        return await self._keystone.sign_on_as(scope, self._by_token(scope, way, kept), kept.id)

    async def logged_in(self, scope: Scope, provider: str, protocol: str, proved: Proved) -> Issued:
        """As `sign_on`, for who came back from the issuer's own page."""
        way, kept = await self._way(provider, protocol)
        return await self._keystone.sign_on_as(scope, self._principal(proved, way, kept), kept.id)

    async def page_of(self, provider: str, protocol: str) -> Provider:
        """The issuer whose page a browser is sent to. Raises NotFound, Forbidden, BadRequest if there is none."""
        way, kept = await self._way(provider, protocol)
        able = [each for each in self._issuers(way) if each.issuer.client is not None]
        if len(able) != 1 or kept.id == MAPPED:
            raise BadRequest("There is no page to log in at with that identity provider.", field="provider")
        return able[0]

    async def only_page(self, protocol: str) -> str:
        """The name of the only configured issuer with a page, for addresses that name none. Raises BadRequest."""
        providers = self._bearer.providers if self._bearer else ()
        able = [each.name for each in providers if each.issuer.client is not None]
        if len(able) != 1 or protocol not in BEARER_PROTOCOLS:
            raise BadRequest(
                "Name the identity provider in the address: there is not one that is meant.", field="protocol"
            )
        return able[0]

    async def _way(self, provider: str, protocol: str) -> tuple[IdentityProvider, Protocol]:
        way = await self._register.provider(provider)
        kept = await self._register.protocol(provider, protocol)
        if not way.enabled:
            raise Forbidden(f"Identity Provider {provider} is disabled.", reason=Reason.DISABLED.value)
        return way, kept

    async def _by_token(self, scope: Scope, way: IdentityProvider, kept: Protocol) -> Principal:
        token = token_of(scope)
        if token is None or self._bearer is None:
            message = "Show a token of the identity provider: Authorization: Bearer TOKEN."
            raise Unauthenticated(message, reason=Reason.NO_CREDENTIAL.value)
        return await self._principal(
            await self._bearer.prove(scope, token, self._issuers(way), thorough=not way.own), way, kept
        )

    async def _principal(self, proved: Proved, way: IdentityProvider, kept: Protocol) -> Principal:
        assert self._bearer is not None
        rules = await self._rules(proved.provider, way, kept)
        principal = await self._bearer.principal(proved, rules, name=way.id, protocol=kept.id)
        mapped = apply(rules, proved.claims) if rules else None
        if rules and mapped and mapped.projects and mapped.user.type is UserType.EPHEMERAL:
            await self._keystone.scoping.projects(principal)  # the banned are given nothing
            await self._directory.welcome(principal)
            await assign_projects(self._directory, user_id(principal.user), mapped, rules.version)
        return principal

    async def _rules(self, provider: Provider, way: IdentityProvider, kept: Protocol) -> Rules | None:
        if way.own:
            return provider.rules() if provider.rules else None
        try:
            return (await self._register.mapping(kept.mapping)).rules()
        except (NotFound, MappingError) as error:
            message = f"The mapping {kept.mapping} of the identity provider {way.id} cannot be used."
            raise Unauthenticated(message, reason=Reason.FOREIGN_PROJECT.value) from error

    def _issuers(self, way: IdentityProvider) -> list[Provider]:
        """The configured issuers that the identity provider stands for; none if it has no remote ids."""
        bearer = self._bearer
        found = [bearer.of_issuer(url) for url in way.remote_ids] if bearer else []
        return [each for each in found if each is not None]
