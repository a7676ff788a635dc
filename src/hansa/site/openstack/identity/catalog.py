"""The catalogue on the wire: what this site itself offers, and entries as tokens of v3 and v2.0 carry them."""

from collections.abc import Sequence

from hansa.site.keystone.catalogue import Catalogue, Endpoint, Entry, Service
from hansa.site.keystone.catalogue.model import Interface
from hansa.site.openstack.identity.answers import Json
from hansa.site.openstack.identity.render import Place
from hansa.site.openstack.identity.service import Issued, role_id

_V2 = {"public": "publicURL", "internal": "internalURL", "admin": "adminURL"}


def own_entries(place: Place) -> tuple[Entry, ...]:
    """This site's faces, each at one address for everybody."""
    offered = (("identity", "keystone", f"{place.keystone}/v3"), ("occi", "occi", f"{place.occi}/"))
    return tuple(_own_entry(kind, name, url, place.region) for kind, name, url in offered)


async def seen_by(catalogue: Catalogue, issued: Issued) -> tuple[Entry, ...]:
    return await catalogue.listed(issued.person.user.id, issued.project.id if issued.project else None)


def catalog_v3(entries: Sequence[Entry]) -> list[Json]:
    return [
        {
            "id": entry.service.id,
            "type": entry.service.type,
            "name": entry.service.name or "",
            "endpoints": [
                {
                    "id": endpoint.id,
                    "interface": endpoint.interface.value,
                    "region": endpoint.region,
                    "region_id": endpoint.region,
                    "url": endpoint.url,
                }
                for endpoint in entry.endpoints
            ],
        }
        for entry in entries
    ]


def catalog_v2(entries: Sequence[Entry]) -> list[Json]:
    """One endpoint a region, with an address for each interface. v2.0's clients find v2.0 where v3 is."""
    return [
        {
            "type": entry.service.type,
            "name": entry.service.name or "",
            "endpoints": _endpoints_v2(entry),
            "endpoints_links": [],
        }
        for entry in entries
    ]


def _endpoints_v2(entry: Entry) -> list[Json]:
    by_region: dict[str | None, Json] = {}
    for endpoint in entry.endpoints:
        url = endpoint.url
        if entry.service.own and entry.service.type == "identity":
            url = f"{url.removesuffix('v3')}v2.0"
        found = by_region.setdefault(endpoint.region, {"id": endpoint.id, "region": endpoint.region})
        found[_V2[endpoint.interface]] = url
    return list(by_region.values())


def _own_entry(kind: str, name: str, url: str, region: str) -> Entry:
    service = Service(role_id(f"service {kind}"), kind, name, own=True)
    endpoints = (
        Endpoint(role_id(f"endpoint {kind} {interface}"), service.id, interface, url, region, own=True)
        for interface in Interface
    )
    return Entry(service, tuple(endpoints))
