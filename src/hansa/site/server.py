"""A site, put together from its configuration and served.

Each part is opened after what it stands on and closed before it: database, cloud, identity, use, faces.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import structlog
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from hansa.base.database import Database
from hansa.base.errors import HansaError
from hansa.base.migrations import upgrade
from hansa.base.problem import on_hansa_error
from hansa.base.serving import listener_name, serve
from hansa.base.serving.gate import App, Receive, Scope, Send
from hansa.base.telemetry.app import observed
from hansa.base.telemetry.audit import AuditLog
from hansa.base.telemetry.health import Concern, Health, database_answers
from hansa.base.telemetry.logs import configure
from hansa.cloud.drivers.embedded import EmbeddedCloud
from hansa.cloud.drivers.memory.settings import memory_cloud
from hansa.cloud.model import Caller, Image, ImageId, ProjectId
from hansa.cloud.port import Cloud, HasImageStore, HasProjects
from hansa.site.accounts.room import Room
from hansa.site.config import CloudSettings, ImageSettings, SiteConfig
from hansa.site.console.http import routes as console_routes
from hansa.site.directory import Directory
from hansa.site.identity import Identity
from hansa.site.identity.settings import key_ring, make_identity
from hansa.site.identity.tokens import Tokens
from hansa.site.occi import http as occi
from hansa.site.occi.settings import OcciSettings
from hansa.site.openstack.identity import http as keystone
from hansa.site.openstack.identity.assembly import make_desk
from hansa.site.openstack.identity.render import Place
from hansa.site.usage import Usage
from hansa.site.usage.http import routes as usage_routes

Clock = Callable[[], datetime]

log = structlog.stdlib.get_logger(__name__)
_NOBODY = Caller("hansa", ProjectId(""))
"""Who looks at the shared images when the site starts."""


def utc_now() -> datetime:
    return datetime.now(UTC)


async def run(config: SiteConfig) -> None:
    """Serve until SIGTERM or SIGINT. Raises ConfigurationError for what cannot be had."""
    configure(config.telemetry.log)
    async with assembled(config) as app:
        await serve(app, [each.listener() for each in config.every_listener])


@asynccontextmanager
async def assembled(config: SiteConfig, *, clock: Clock = utc_now) -> AsyncIterator[App]:
    """The site's application while the block lasts, with everything below it open."""
    async with AsyncExitStack() as stack:
        database = Database(config.database.url, threads=config.database.threads)
        stack.callback(database.close)
        await upgrade(database, "site")
        audit = AuditLog(config.telemetry.audit, clock=clock)
        stack.callback(audit.close)
        cloud = make_cloud(config.cloud, clock)
        await cloud.open()
        stack.push_async_callback(cloud.close)
        await add_images(cloud, config.images)
        accounts = make_accounts(config, database, clock, audit)
        identity = make_identity(
            config.identity,
            clock=clock,
            hostnames=[config.site.hostname],
            audit=audit,
            ensure_project=cloud.ensure_project if isinstance(cloud, HasProjects) else None,
            database=database,
            directory=(directory := Directory(database, clock, config.identity.passwords)),
            standing=accounts.standing if accounts else None,
        )
        usage = Usage(database, cloud, clock)
        stack.push_async_callback(usage.follow)
        follower = asyncio.create_task(usage.run(config.usage.interval))
        stack.push_async_callback(_cancelled, follower)
        own_routes: list[BaseRoute] = [*usage_routes(usage, identity), *console_routes(cloud, identity)]
        concerns: dict[str, Concern] = {}
        if accounts is not None:
            own_routes += await stack.enter_async_context(accounts.running(cloud, usage.vos_of))
            concerns["accounts"] = accounts.accounts.concern
        health = Health({"database": database_answers(database), "cloud": cloud.info}, concerns)
        settings = OcciSettings(public_url=config.site.public_url, **config.occi_table.model_dump())
        face = occi.app(cloud, identity.caller, settings, database, challenges=identity.challenges)
        native = Starlette(routes=own_routes, exception_handlers={HansaError: on_hansa_error})
        front = keystone_door(doors(native, face), identity, directory, database, config, clock)
        yield observed(front, health, config.telemetry)


def keystone_door(
    other: App, identity: Identity, directory: Directory, database: Database, config: SiteConfig, clock: Clock
) -> App:
    """Keystone has its own listeners, if the site has one: its clients know its paths from the root on."""
    tokens = identity.way(Tokens)
    if config.keystone is None or tokens is None:
        return other
    names = {each.name for each in config.keystone.listeners}
    place = Place(
        config.keystone.public_url,
        config.site.public_url,
        config.keystone.region or config.site.name,
        config.keystone.identity_provider,
        config.keystone.trusted_dashboards,
    )
    keys = key_ring(credential_keys(config), "keystone.credential_keys")
    face = keystone.app(make_desk(identity, tokens, directory, place, database, clock, keys))

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        is_ours = scope["type"] == "http" and listener_name(scope) in names
        await (face if is_ours else other)(scope, receive, send)

    return app


def credential_keys(config: SiteConfig) -> Path:
    """Beside the keys of the tokens, if the configuration does not say."""
    assert config.keystone is not None
    assert config.identity.tokens is not None
    return config.keystone.credential_keys or config.identity.tokens.keys.with_name("credential-keys")


def doors(native: App, face: App) -> App:
    """`/hansa/…` is ours; the OCCI face has all the rest of the address space, and the application's life."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        ours = scope["type"] == "http" and scope["path"].startswith("/hansa/")
        await (native if ours else face)(scope, receive, send)

    return app


def make_accounts(config: SiteConfig, database: Database, clock: Clock, audit: AuditLog) -> Room | None:
    """The members as the federation tells of them, if the site follows its feed."""
    if config.accounts is None:
        return None
    certificates = config.identity.trust_dir
    return Room(config.accounts, database, clock, audit, site=config.site.name, certificates=certificates)


def make_cloud(settings: CloudSettings, clock: Clock) -> Cloud:
    if settings.driver == "embedded" and settings.embedded is not None:
        return EmbeddedCloud(settings.embedded, clock=clock)
    return memory_cloud(settings.memory, clock)


async def add_images(cloud: Cloud, images: Sequence[ImageSettings]) -> None:
    """Bring in the configured images that the cloud does not have."""
    if not isinstance(cloud, HasImageStore):
        return
    known = {image.id for image in await cloud.images(_NOBODY)}
    for each in images:
        if each.id in known:
            continue
        image = Image(
            id=ImageId(each.id),
            name=each.name,
            size_bytes=0,
            disk_format=each.disk_format,
            min_disk_gib=each.min_disk_gib,
            min_ram_mib=each.min_ram_mib,
            description=each.description,
        )
        added = await cloud.add_image(image, each.source)
        log.info("site.image_added", image=added.id, size_bytes=added.size_bytes)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
