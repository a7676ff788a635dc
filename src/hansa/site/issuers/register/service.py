"""Every rule of OS-FEDERATION. Who may change it is asked before, at the face."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from sqlalchemy import Connection

from hansa.base.database import Database
from hansa.base.errors import BadRequest, Conflict, Forbidden, NotFound
from hansa.site.directory.store import projects
from hansa.site.issuers.model import Provider
from hansa.site.issuers.register import store
from hansa.site.issuers.register.model import IdentityProvider, KeptMapping, Protocol, ServiceProvider
from hansa.standards.mapping import MappingError, parse_rules

T = TypeVar("T")
BEARER_PROTOCOLS = ("openid", "oidc")
"""What clients call the protocol of bearer tokens: EGI's first one, then the other."""
MAPPED = "mapped"
BY_SUBJECT = {"rules": [{"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "OIDC-sub"}]}]}
"""What a provider without a mapping file shows: its entitlements say the rest."""
BY_CERTIFICATE = {"rules": [{"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "SSL_CLIENT_S_DN"}]}]}


class Register:
    """`providers` are the configured issuers, `voms` the name of the identity provider for VOMS proxies."""

    def __init__(self, database: Database, providers: Sequence[Provider], voms: str | None) -> None:
        self._database = database
        self._own = _own(providers, voms)
        self._own_protocols = _own_protocols(providers, voms)
        self._own_mappings = _own_mappings(providers, voms)

    async def providers(self) -> list[IdentityProvider]:
        return [*self._own.values(), *await self._database.read(store.all_providers)]

    async def provider(self, identifier: str) -> IdentityProvider:
        if own := self._own.get(identifier):
            return own
        found = await self._database.read(lambda connection: store.provider(connection, identifier))
        return _there(found, "identity provider", identifier)

    async def is_open(self, identifier: str) -> bool:
        """Whether it is there and enabled."""
        try:
            return (await self.provider(identifier)).enabled
        except NotFound:
            return False

    async def add_provider(self, new: IdentityProvider) -> IdentityProvider:
        self._check_free(new.id, self._own, "identity provider")

        def add(connection: Connection) -> None:
            if store.provider(connection, new.id) is not None:
                raise _taken("identity provider", new.id)
            domain = projects.find(connection, new.domain_id)
            if domain is None or not domain.is_domain:
                raise NotFound(f"Could not find domain: {new.domain_id}.")
            self._check_remote_ids(connection, new)
            store.put_provider(connection, new)

        await self._database.write(add)
        return new

    async def change_provider(self, identifier: str, changes: Mapping[str, Any]) -> IdentityProvider:
        self._check_not_own(identifier, self._own, "identity provider")

        def change(connection: Connection) -> IdentityProvider:
            old = _there(store.provider(connection, identifier), "identity provider", identifier)
            changed = replace(old, **changes)
            self._check_remote_ids(connection, changed)
            store.put_provider(connection, changed)
            return changed

        return await self._database.write(change)

    async def remove_provider(self, identifier: str) -> None:
        """With its protocols. Tokens that came by it are good no more."""
        self._check_not_own(identifier, self._own, "identity provider")
        if not await self._database.write(lambda connection: store.remove_provider(connection, identifier)):
            raise _missing("identity provider", identifier)

    async def protocols(self, provider: str) -> list[Protocol]:
        await self.provider(provider)
        own = [each for each in self._own_protocols.values() if each.provider == provider]
        return own + await self._database.read(lambda connection: store.all_protocols(connection, provider))

    async def protocol(self, provider: str, identifier: str) -> Protocol:
        for each in await self.protocols(provider):
            if each.id == identifier:
                return each
        raise _missing("federated protocol", identifier)

    async def add_protocol(self, new: Protocol) -> Protocol:
        if new.id in {each.id for each in await self.protocols(new.provider)}:
            raise _taken("federated protocol", new.id)
        await self._check_mapping(new.mapping)
        await self._database.write(lambda connection: store.put_protocol(connection, new))
        return new

    async def change_protocol(self, provider: str, identifier: str, changes: Mapping[str, Any]) -> Protocol:
        old = await self.protocol(provider, identifier)
        if old.own:
            raise _configured("federated protocol", identifier)
        changed = replace(old, **changes)
        await self._check_mapping(changed.mapping)
        await self._database.write(lambda connection: store.put_protocol(connection, changed))
        return changed

    async def remove_protocol(self, provider: str, identifier: str) -> None:
        if (await self.protocol(provider, identifier)).own:
            raise _configured("federated protocol", identifier)
        await self._database.write(lambda connection: store.remove_protocol(connection, provider, identifier))

    async def mappings(self) -> list[KeptMapping]:
        own = [self._own_mapping(name) for name in self._own_mappings]
        return own + await self._database.read(store.all_mappings)

    async def mapping(self, identifier: str) -> KeptMapping:
        if identifier in self._own_mappings:
            return self._own_mapping(identifier)
        found = await self._database.read(lambda connection: store.mapping(connection, identifier))
        return _there(found, "mapping", identifier)

    async def add_mapping(self, identifier: str, document: Mapping[str, Any]) -> KeptMapping:
        self._check_free(identifier, self._own_mappings, "mapping")
        _check_rules(document)

        def add(connection: Connection) -> None:
            if store.mapping(connection, identifier) is not None:
                raise _taken("mapping", identifier)
            store.put_mapping(connection, identifier, document)

        await self._database.write(add)
        return KeptMapping(identifier, document)

    async def change_mapping(self, identifier: str, document: Mapping[str, Any]) -> KeptMapping:
        self._check_not_own(identifier, self._own_mappings, "mapping")
        _check_rules(document)

        def change(connection: Connection) -> None:
            _there(store.mapping(connection, identifier), "mapping", identifier)
            store.put_mapping(connection, identifier, document)

        await self._database.write(change)
        return KeptMapping(identifier, document)

    async def remove_mapping(self, identifier: str) -> None:
        self._check_not_own(identifier, self._own_mappings, "mapping")
        if not await self._database.write(lambda connection: store.remove_mapping(connection, identifier)):
            raise _missing("mapping", identifier)

    async def service_providers(self) -> list[ServiceProvider]:
        return await self._database.read(store.all_service_providers)

    async def service_provider(self, identifier: str) -> ServiceProvider:
        found = await self._database.read(lambda connection: store.service_provider(connection, identifier))
        return _there(found, "service provider", identifier)

    async def add_service_provider(self, new: ServiceProvider) -> ServiceProvider:
        def add(connection: Connection) -> None:
            if store.service_provider(connection, new.id) is not None:
                raise _taken("service provider", new.id)
            store.put_service_provider(connection, new)

        await self._database.write(add)
        return new

    async def change_service_provider(self, identifier: str, changes: Mapping[str, Any]) -> ServiceProvider:
        def change(connection: Connection) -> ServiceProvider:
            old = _there(store.service_provider(connection, identifier), "service provider", identifier)
            changed = replace(old, **changes)
            store.put_service_provider(connection, changed)
            return changed

        return await self._database.write(change)

    async def remove_service_provider(self, identifier: str) -> None:
        if not await self._database.write(lambda connection: store.remove_service_provider(connection, identifier)):
            raise _missing("service provider", identifier)

    def _own_mapping(self, identifier: str) -> KeptMapping:
        return KeptMapping(identifier, self._own_mappings[identifier](), own=True)

    async def _check_mapping(self, identifier: str) -> None:
        try:
            await self.mapping(identifier)
        except NotFound as error:
            raise BadRequest(f"Invalid mapping id: {identifier}.", field="mapping_id") from error

    def _check_remote_ids(self, connection: Connection, provider: IdentityProvider) -> None:
        """Those of configured issuers may be used, and each by one identity provider that admins made."""
        for remote_id in provider.remote_ids:
            if store.of_remote_id(connection, remote_id) not in (None, provider.id):
                raise Conflict(f"Duplicate remote ID: {remote_id}.")

    def _check_free(self, identifier: str, own: Mapping[str, object], kind: str) -> None:
        if identifier in own:
            raise _taken(kind, identifier)

    def _check_not_own(self, identifier: str, own: Mapping[str, object], kind: str) -> None:
        if identifier in own:
            raise _configured(kind, identifier)


def _own(providers: Sequence[Provider], voms: str | None) -> dict[str, IdentityProvider]:
    found = {
        each.name: IdentityProvider(
            each.name, True, f"Tokens of {each.issuer.url}", remote_ids=(each.issuer.url,), own=True
        )
        for each in providers
    }
    if voms is not None:
        found.setdefault(voms, IdentityProvider(voms, True, "VOMS proxies", own=True))
    return found


def _own_protocols(providers: Sequence[Provider], voms: str | None) -> dict[tuple[str, str], Protocol]:
    found = {
        (each.name, name): Protocol(each.name, name, each.name, own=True)
        for each in providers
        for name in BEARER_PROTOCOLS
    }
    if voms is not None:
        found[voms, MAPPED] = Protocol(voms, MAPPED, "voms", own=True)
    return found


def _own_mappings(providers: Sequence[Provider], voms: str | None) -> dict[str, Callable[[], Mapping[str, Any]]]:
    found: dict[str, Callable[[], Mapping[str, Any]]] = {} if voms is None else {"voms": lambda: BY_CERTIFICATE}
    for each in providers:
        found[each.name] = each.document or (lambda: BY_SUBJECT)
    return found


def _check_rules(document: Mapping[str, Any]) -> None:
    try:
        parse_rules(dict(document))
    except MappingError as error:
        raise BadRequest(f"{error.reason}.", field="mapping", reason=error.code) from error


def _there(found: T | None, kind: str, identifier: str) -> T:
    if found is None:
        raise _missing(kind, identifier)
    return found


def _missing(kind: str, identifier: str) -> NotFound:
    return NotFound(f"Could not find {kind}: {identifier}.")


def _taken(kind: str, identifier: str) -> Conflict:
    return Conflict(f"Conflict occurred attempting to store {kind} - there is one named {identifier} already.")


def _configured(kind: str, identifier: str) -> Forbidden:
    return Forbidden(f"The {kind} {identifier} is of the site's configuration; its operator can change it there.")
