"""Every rule of the catalogue. Who may change it is asked before, at the face."""

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import Connection

from hansa.base.database import Database
from hansa.base.errors import BadRequest, Conflict, Forbidden, NotFound
from hansa.site.keystone.catalogue import store
from hansa.site.keystone.catalogue.model import (
    Endpoint,
    EndpointGroup,
    Entry,
    Region,
    Service,
    filled_in,
    is_url,
)
from hansa.site.keystone.catalogue.store import Content

T = TypeVar("T", Region, Service, Endpoint, EndpointGroup)
O = TypeVar("O", Region, Service, Endpoint)  # noqa: E741  (what can be the site's own)
R = TypeVar("R")
REMEMBERED = timedelta(seconds=5)
"""What another process of the site changed is seen after so long at the latest; what this one changed, at once."""


class Catalogue:
    """`own` are this site's faces with their endpoints, `region` where they are: they come first and cannot be changed."""

    def __init__(
        self, database: Database, clock: Callable[[], datetime], own: Sequence[Entry] = (), region: str = ""
    ) -> None:
        self._database = database
        self._clock = clock
        self._own = tuple(own)
        self._region = Region(region, "This site.", own=True) if region else None
        self._seen: tuple[Content, datetime] | None = None

    async def listed(self, user: str, project: str | None = None) -> tuple[Entry, ...]:
        """What a token of that user for that project carries: services that are on, with addresses filled in."""
        content = await self._content()
        confined = _confined(content, project) if project else None
        entries = []
        for service in content.services.values():
            found = [
                replace(each, url=url)
                for each in content.endpoints.values()
                if each.service == service.id and each.enabled and (each.own or confined is None or each.id in confined)
                if (url := filled_in(each.url, user, project)) is not None
            ]
            if service.enabled and (found or confined is None):
                entries.append(Entry(service, tuple(found)))
        return tuple(entries)

    async def regions(self, parent: str | None = None) -> list[Region]:
        return [each for each in (await self._fresh()).regions.values() if parent in (None, each.parent)]

    async def region(self, region: str) -> Region:
        return _get((await self._fresh()).regions, region, "region")

    async def add_region(self, region: Region) -> Region:
        """An empty id asks for a new one. Raises Conflict, BadRequest for a parent that is not there."""
        new = replace(region, id=region.id or uuid.uuid4().hex)

        def write(content: Content, connection: Connection) -> Region:
            if new.id in content.regions:
                raise Conflict(f"There is a region {new.id} already.")
            _check_parent(content, new)
            store.put_region(connection, new)
            return new

        return await self._write(write)

    async def change_region(self, region: str, change: Callable[[Region], Region]) -> Region:
        def write(content: Content, connection: Connection) -> Region:
            new = replace(change(_foreign(_get(content.regions, region, "region"))), id=region)
            _check_parent(content, new)
            store.put_region(connection, new)
            return new

        return await self._write(write)

    async def remove_region(self, region: str) -> None:
        """With those below it. Raises Forbidden while an endpoint is in one of them."""

        def write(content: Content, connection: Connection) -> None:
            _foreign(_get(content.regions, region, "region"))
            doomed = _below(content, region)
            if self._region is not None and self._region.id in doomed:
                raise Forbidden("The site's own region is below it.")
            if any(each.region in doomed for each in content.endpoints.values()):
                raise Forbidden("There are endpoints in that region; remove them first.")
            store.remove_regions(connection, doomed)

        await self._write(write)

    async def services(self, type: str | None = None, name: str | None = None) -> list[Service]:  # noqa: A002  (the API's word)
        found = (await self._fresh()).services.values()
        return [each for each in found if type in (None, each.type) and name in (None, each.name)]

    async def service(self, service: str) -> Service:
        return _get((await self._fresh()).services, service, "service")

    async def add_service(self, service: Service) -> Service:
        new = replace(service, id=uuid.uuid4().hex)

        def write(_content: Content, connection: Connection) -> Service:
            store.put_service(connection, new)
            return new

        return await self._write(write)

    async def change_service(self, service: str, change: Callable[[Service], Service]) -> Service:
        def write(content: Content, connection: Connection) -> Service:
            new = replace(change(_foreign(_get(content.services, service, "service"))), id=service)
            store.put_service(connection, new)
            return new

        return await self._write(write)

    async def remove_service(self, service: str) -> None:
        """With its endpoints."""

        def write(content: Content, connection: Connection) -> None:
            _foreign(_get(content.services, service, "service"))
            store.remove_service(connection, service)

        await self._write(write)

    async def endpoints(
        self, service: str | None = None, interface: str | None = None, region: str | None = None
    ) -> list[Endpoint]:
        return [
            each
            for each in (await self._fresh()).endpoints.values()
            if service in (None, each.service) and interface in (None, each.interface) and region in (None, each.region)
        ]

    async def endpoint(self, endpoint: str) -> Endpoint:
        return _get((await self._fresh()).endpoints, endpoint, "endpoint")

    async def add_endpoint(self, endpoint: Endpoint, *, make_region: bool = False) -> Endpoint:
        """`make_region`: the old way to say where, `region`, makes the region if it is not there. Raises BadRequest."""
        new = replace(endpoint, id=uuid.uuid4().hex)

        def write(content: Content, connection: Connection) -> Endpoint:
            _put_endpoint(content, connection, new, make_region=make_region)
            return new

        return await self._write(write)

    async def change_endpoint(
        self, endpoint: str, change: Callable[[Endpoint], Endpoint], *, make_region: bool = False
    ) -> Endpoint:
        def write(content: Content, connection: Connection) -> Endpoint:
            new = replace(change(_foreign(_get(content.endpoints, endpoint, "endpoint"))), id=endpoint)
            _put_endpoint(content, connection, new, make_region=make_region)
            return new

        return await self._write(write)

    async def remove_endpoint(self, endpoint: str) -> None:
        def write(content: Content, connection: Connection) -> None:
            _foreign(_get(content.endpoints, endpoint, "endpoint"))
            store.remove_endpoints(connection, [endpoint])

        await self._write(write)

    async def groups(self, name: str | None = None) -> list[EndpointGroup]:
        return [each for each in (await self._fresh()).groups.values() if name in (None, each.name)]

    async def group(self, group: str) -> EndpointGroup:
        return _get((await self._fresh()).groups, group, "endpoint group")

    async def add_group(self, group: EndpointGroup) -> EndpointGroup:
        new = replace(group, id=uuid.uuid4().hex)

        def write(_content: Content, connection: Connection) -> EndpointGroup:
            store.put_group(connection, new)
            return new

        return await self._write(write)

    async def change_group(self, group: str, change: Callable[[EndpointGroup], EndpointGroup]) -> EndpointGroup:
        def write(content: Content, connection: Connection) -> EndpointGroup:
            new = replace(change(_get(content.groups, group, "endpoint group")), id=group)
            store.put_group(connection, new)
            return new

        return await self._write(write)

    async def remove_group(self, group: str) -> None:
        def write(content: Content, connection: Connection) -> None:
            _get(content.groups, group, "endpoint group")
            store.remove_group(connection, group)

        await self._write(write)

    async def confined(self, project: str) -> list[Endpoint] | None:
        """The endpoints that the project is confined to, by itself or by a group; None: it sees all."""
        content = await self._fresh()
        found = _confined(content, project)
        return None if found is None else [each for each in content.endpoints.values() if each.id in found]

    async def confined_by(self, project: str) -> tuple[list[str], list[EndpointGroup]]:
        """The ids of endpoints, and the groups, that were named for that project."""
        content = await self._fresh()
        named = sorted(endpoint for owner, endpoint in content.by_project if owner == project)
        return named, [content.groups[each] for owner, each in sorted(content.groups_of) if owner == project]

    async def projects_of(self, endpoint: str = "", group: str = "") -> list[str]:
        """The projects that are confined to that endpoint, or group."""
        content = await self._fresh()
        if group:
            _get(content.groups, group, "endpoint group")
            return sorted(project for project, found in content.groups_of if found == group)
        _get(content.endpoints, endpoint, "endpoint")
        return sorted(project for project, found in content.by_project if found == endpoint)

    async def confine(self, project: str, *, endpoint: str = "", group: str = "") -> None:
        """From now on the project sees that endpoint, or group, and others named so, and the site's own. Idempotent."""

        def write(content: Content, connection: Connection) -> None:
            if group:
                _get(content.groups, group, "endpoint group")
                store.confine_to_group(connection, project, group)
            else:
                _get(content.endpoints, endpoint, "endpoint")
                store.confine(connection, project, endpoint)

        await self._write(write)

    async def unconfine(self, project: str, *, endpoint: str = "", group: str = "") -> None:
        """Raises NotFound if it was not confined so."""

        def write(content: Content, connection: Connection) -> None:
            if (project, group) in content.groups_of:
                store.unconfine_from_group(connection, project, group)
            elif (project, endpoint) in content.by_project:
                store.unconfine(connection, project, endpoint)
            else:
                raise NotFound("The project is not confined to that.")

        await self._write(write)

    async def _content(self) -> Content:
        now = self._clock()
        if self._seen is not None and now < self._seen[1]:
            return self._seen[0]
        return await self._fresh()

    async def _fresh(self) -> Content:
        content = self._whole(await self._database.read(store.read))
        self._seen = (content, self._clock() + REMEMBERED)
        return content

    async def _write(self, change: Callable[[Content, Connection], R]) -> R:
        result = await self._database.write(lambda connection: change(self._whole(store.read(connection)), connection))
        self._seen = None
        return result

    def _whole(self, content: Content) -> Content:
        """What admins made, behind the site's own."""
        own = {self._region.id: self._region} if self._region else {}
        return replace(
            content,
            regions={**content.regions, **own},
            services={**{each.service.id: each.service for each in self._own}, **content.services},
            endpoints={**{found.id: found for each in self._own for found in each.endpoints}, **content.endpoints},
        )


def _foreign(thing: O) -> O:
    if thing.own:
        raise Forbidden("This is the site itself; its operator's configuration says it.")
    return thing


def _get(things: dict[str, T], wanted: str, word: str) -> T:
    if found := things.get(wanted):
        return found
    raise NotFound(f"There is no such {word}.")


def _check_parent(content: Content, region: Region) -> None:
    if region.parent is None:
        return
    if region.parent not in content.regions:
        raise NotFound(f"There is no region {region.parent} to be in.")
    if region.id in content.regions and region.parent in _below(content, region.id):
        raise BadRequest("A region cannot be in itself, or in one below it.", field="parent_region_id")


def _below(content: Content, region: str) -> set[str]:
    """The region and all below it."""
    found = {region}
    while more := {each.id for each in content.regions.values() if each.parent in found} - found:
        found |= more
    return found


def _put_endpoint(content: Content, connection: Connection, endpoint: Endpoint, *, make_region: bool) -> None:
    if endpoint.service not in content.services:
        raise BadRequest("There is no such service.", field="service_id")
    if not is_url(endpoint.url):
        message = "The address of an endpoint is a URL; it may hold $(project_id)s and $(user_id)s."
        raise BadRequest(message, field="url")
    if endpoint.region is not None and endpoint.region not in content.regions:
        if not make_region:
            raise BadRequest("There is no such region.", field="region_id")
        store.put_region(connection, Region(endpoint.region))
    store.put_endpoint(connection, endpoint)


def _confined(content: Content, project: str) -> set[str] | None:
    named = {endpoint for owner, endpoint in content.by_project if owner == project}
    groups = [content.groups[group] for owner, group in content.groups_of if owner == project]
    if not named and not groups:
        return None
    return named | set(_held(groups, content.endpoints.values()))


def _held(groups: Iterable[EndpointGroup], endpoints: Iterable[Endpoint]) -> Iterable[str]:
    groups = list(groups)
    return (each.id for each in endpoints if any(group.holds(each) for group in groups))
