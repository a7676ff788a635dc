"""The register of sites that follow the feed, and where each of them is."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from urllib.parse import urlsplit

import orjson
from sqlalchemy import Connection

from hansa.base.database import Database
from hansa.federation.membership.model import Credential
from hansa.federation.membership.store import vos as vo_store
from hansa.federation.propagation import store
from hansa.federation.propagation.errors import InvalidSite, NoSuchSite, SiteExists
from hansa.federation.propagation.model import Delivery, Site, Status
from hansa.standards.errors import StandardError
from hansa.standards.jwt import KeySet

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_NOBODY: Mapping[str, Delivery] = MappingProxyType({})


class Register:
    """Every call is one transaction."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    async def add(self, site: Site) -> Site:
        """Raises InvalidSite, SiteExists."""
        _check(site)
        site = replace(site, created=self._clock(), vos=tuple(sorted(set(site.vos))))

        def add(connection: Connection) -> None:
            if store.site(connection, site.name) is not None:
                raise SiteExists(f"There is a site {site.name} already.")
            _check_vos(connection, site.vos)
            store.insert_site(connection, site)

        await self._database.write(add)
        return site

    async def set_vos(self, name: str, vos: Sequence[str]) -> Site:
        """Other VOs than before: the site begins anew. Raises NoSuchSite, InvalidSite."""

        def change(connection: Connection) -> Site:
            _known(connection, name)
            _check_vos(connection, vos)
            store.set_vos(connection, name, sorted(set(vos)))
            return _known(connection, name)

        return await self._database.write(change)

    async def remove(self, name: str) -> None:
        def remove(connection: Connection) -> None:
            if not store.delete_site(connection, name):
                raise _no_site(name)

        await self._database.write(remove)

    async def site(self, name: str) -> Site:
        return await self._database.read(lambda connection: _known(connection, name))

    async def sites(self) -> list[Site]:
        return await self._database.read(store.load_sites)

    async def sites_of(self, holder: Credential) -> list[Site]:
        return await self._database.read(lambda connection: store.sites_of_certificate(connection, holder))

    async def delivery(self, name: str) -> Delivery:
        return (await self._database.read(store.load_deliveries)).get(name) or Delivery(name)

    async def save(self, told: Sequence[Delivery]) -> None:
        """Where sites are now."""
        await self._database.write(lambda connection: store.save_deliveries(connection, told))

    async def statuses(self, seen: Mapping[str, Delivery] = _NOBODY) -> list[Status]:
        """Every site with what it lacks. `seen`: what is known and not yet written down."""

        def look(connection: Connection) -> list[Status]:
            place, deliveries = store.place(connection), store.load_deliveries(connection)
            found = []
            for site in store.load_sites(connection):
                delivery = seen.get(site.name) or deliveries[site.name]
                counts = place is not None and delivery.lineage == place.lineage
                lag = store.lag(connection, site.vos, delivery.confirmed if counts else 0)
                found.append(Status(site, delivery, lag))
            return found

        return await self._database.read(look)


def _known(connection: Connection, name: str) -> Site:
    found = store.site(connection, name)
    if found is None:
        raise _no_site(name)
    return found


def _no_site(name: str) -> NoSuchSite:
    return NoSuchSite(f"There is no site {name}.")


def _check_vos(connection: Connection, vos: Sequence[str]) -> None:
    known = {name for _, name in vo_store.names(connection)}
    for vo in vos:
        if vo not in known:
            raise InvalidSite(f"There is no VO {vo}.", field="vos")


def _check(site: Site) -> None:
    if not _NAME.fullmatch(site.name):
        raise InvalidSite("A site's name consists of letters, digits, '.', '_' and '-'.", field="name")
    if not site.vos:
        raise InvalidSite("A site supports at least one VO.", field="vos")
    if site.certificate is None and site.jwk is None and site.url is None:
        raise InvalidSite(
            "A site needs a certificate or a key to prove itself with, or an address to push to.", field="certificate"
        )
    if site.jwk is not None:
        _check_jwk(site.jwk)
    if site.url is not None:
        _check_url(site.url)


def _check_jwk(text: str) -> None:
    if not site_keys(text).keys:
        raise InvalidSite("The key is no public key (JWK) for signatures.", field="jwk")


def site_keys(text: str) -> KeySet:
    """The key that a site is registered with, as a set. Raises InvalidSite."""
    try:
        return KeySet.parse(b'{"keys":[%s]}' % orjson.dumps(orjson.loads(text)))
    except (StandardError, ValueError) as error:
        raise InvalidSite("The key is no public key (JWK) for signatures.", field="jwk") from error


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and local)) or parts.username:
        raise InvalidSite("Documents are pushed to an https:// address.", field="url")
