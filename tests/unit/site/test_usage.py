"""Use is told exactly once, adds up, and everybody sees only their own."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.applications import Starlette
from tests.support.schema import differences

from hansa.base.database import Database
from hansa.base.errors import BadRequest, Forbidden
from hansa.base.migrations import upgrade
from hansa.base.serving import Listener, running
from hansa.client.http import Http
from hansa.cloud.drivers.memory import MemoryCloud
from hansa.cloud.model import Caller, Flavor, FlavorId, Image, ImageId, ProjectId, ServerAction, ServerSpec
from hansa.site.identity import Grant, Identity, Principal
from hansa.site.identity.model import Scope
from hansa.site.identity.policy import Policy
from hansa.site.usage import Usage, store
from hansa.site.usage.http import routes

ALICE = Caller("alice", ProjectId("ops"), vo="ops", fqan="/ops")
BOB = Caller("bob", ProjectId("other"))
OPERATOR = Caller("root", ProjectId("none"), frozenset({"admin"}))
SPEC = ServerSpec("m", ImageId("tiny"), FlavorId("two"))
MINUTE = timedelta(minutes=1)


class World:
    def __init__(self, database: Database) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.database = database
        self.cloud = MemoryCloud(
            clock=self.clock,
            flavors=[
                Flavor(FlavorId("two"), "two", vcpus=2, ram_mib=512, disk_gib=1),
                Flavor(FlavorId("four"), "four", vcpus=4, ram_mib=512, disk_gib=1),
            ],
            images=[Image(ImageId("tiny"), "tiny", size_bytes=1)],
        )
        self.usage = Usage(database, self.cloud, self.clock)

    def clock(self) -> datetime:
        return self.now

    async def forward(self, minutes: int) -> None:
        await self.cloud.open()  # whatever is due happens now
        self.now += minutes * MINUTE


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    database = Database(database_url)
    await upgrade(database, "site")
    yield World(database)
    database.close()


async def test_migrations_make_the_tables_of_the_store(world: World) -> None:
    assert await differences(world.database, store.metadata) == []


async def test_only_running_time_counts(world: World) -> None:
    made = await world.cloud.create_server(ALICE, SPEC)
    await world.forward(10)
    await world.cloud.act(ALICE, made.id, ServerAction.SUSPEND)
    await world.forward(60)
    await world.cloud.act(ALICE, made.id, ServerAction.START)
    await world.forward(5)
    (use,) = await world.usage.machines(ALICE)
    assert (use.server, use.vo, use.fqan, use.user) == (made.id, "ops", "/ops", "alice")
    assert (use.wall(world.now), use.cpu_wall(world.now), use.ended) == (15 * MINUTE, 30 * MINUTE, None)
    await world.cloud.delete_server(ALICE, made.id)
    await world.forward(60)
    (gone,) = await world.usage.machines(ALICE)
    assert (gone.wall(world.now), gone.status, gone.ended) == (15 * MINUTE, "server.deleted", world.now - 60 * MINUTE)


async def test_a_resized_machine_costs_its_size_run_by_run(world: World) -> None:
    made = await world.cloud.create_server(ALICE, SPEC)
    await world.forward(10)
    await world.cloud.resize_server(ALICE, made.id, FlavorId("four"))
    await world.forward(10)
    (use,) = await world.usage.machines(ALICE)
    assert (use.wall(world.now), use.cpu_wall(world.now), use.vcpus) == (20 * MINUTE, 60 * MINUTE, 4)


async def test_a_restart_neither_loses_nor_repeats(world: World) -> None:
    made = await world.cloud.create_server(ALICE, SPEC)
    await world.forward(1)
    assert await world.usage.follow() == 2
    assert await world.usage.follow() == 0
    await world.cloud.delete_server(ALICE, made.id)
    again = Usage(world.database, world.cloud, world.clock)
    assert await again.follow() == 1
    told = await again.events(ALICE)
    assert [event.kind for event in told] == ["server.created", "server.started", "server.deleted"]
    assert list(told) == list(await world.cloud.events())


async def test_recording_the_same_events_twice_changes_nothing(world: World) -> None:
    await world.cloud.create_server(ALICE, SPEC)
    await world.usage.follow()
    before = await world.usage.machines(ALICE)
    told = await world.cloud.events()
    await world.database.write(lambda connection: store.record(connection, told))
    assert await world.usage.machines(ALICE) == before


async def test_a_memory_cloud_that_forgot_everything_is_followed_on(world: World) -> None:
    await world.cloud.create_server(ALICE, SPEC)
    await world.usage.follow()
    fresh = MemoryCloud(
        clock=world.clock,
        flavors=[Flavor(FlavorId("two"), "two", 2, 512, 1)],
        images=[Image(ImageId("tiny"), "tiny", 1)],
        first_event=1000,
    )
    await fresh.create_server(ALICE, SPEC)
    assert await Usage(world.database, fresh, world.clock).follow() == 2
    assert len(await world.usage.machines(ALICE)) == 2


async def test_projects_do_not_see_each_other(world: World) -> None:
    await world.cloud.create_server(ALICE, SPEC)
    assert await world.usage.machines(BOB) == []
    assert await world.usage.events(BOB) == []
    with pytest.raises(Forbidden):
        await world.usage.machines(ALICE, all_projects=True)
    assert len(await world.usage.machines(OPERATOR, all_projects=True)) == 1


async def test_pages(world: World) -> None:
    made = [await world.cloud.create_server(ALICE, SPEC) for _ in range(3)]
    expected = sorted(server.id for server in made)
    assert [use.server for use in await world.usage.machines(ALICE, limit=2, offset=1)] == expected[1:]
    first, *_ = await world.usage.events(ALICE, limit=1)
    assert len(await world.usage.events(ALICE, after=first.sequence)) == 5
    with pytest.raises(BadRequest):
        await world.usage.machines(ALICE, limit=0)


class Named:
    """Takes the user's name of HTTP Basic for granted."""

    challenge = "Basic"

    async def __call__(self, scope: Scope) -> Principal | None:
        given = dict(scope["headers"]).get(b"authorization")
        if given is None:
            return None
        name = base64.b64decode(given.split()[1]).partition(b":")[0].decode()
        return Principal(name, name, frozenset(), grant=Grant("ops" if name == "alice" else "other"))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_api_answers_in_json_and_refuses_with_problem_details(world: World) -> None:
    def no_audit(event: str, /, **fields: object) -> None: ...

    identity = Identity([Named()], policy=lambda: Policy({}), bans=frozenset, audit=no_audit)
    made = await world.cloud.create_server(ALICE, SPEC)
    await world.forward(2)
    app = Starlette(routes=routes(world.usage, identity))

    async with running(app, [Listener("api")]) as server:
        origin = f"http://127.0.0.1:{server.port('api')}"

        async def get(path: str, user: str | None = "alice") -> tuple[int, Any]:
            given = {"Authorization": "Basic " + base64.b64encode(f"{user}:x".encode()).decode()} if user else {}

            def ask() -> tuple[int, Any]:
                with Http(origin) as http:
                    reply = http.request("GET", path, headers=given)
                    return reply.status, json.loads(reply.body)

            return await asyncio.to_thread(ask)

        status, body = await get("/hansa/v1/usage")
        assert (status, body["time"]) == (200, "2026-01-01T00:02:00+00:00")
        (machine,) = body["machines"]
        assert (
            machine.items()
            >= {"id": made.id, "status": "started", "wall_seconds": 120, "cpu_wall_seconds": 240}.items()
        )
        _, told = await get("/hansa/v1/usage/events")
        assert [event["kind"] for event in told["events"]] == ["server.created", "server.started"]
        assert await get("/hansa/v1/usage", "bob") == (200, {"time": body["time"], "machines": []})
        for path, user, expected in (
            ("/hansa/v1/usage", None, (401, "unauthenticated")),
            ("/hansa/v1/usage?all_projects=true", "alice", (403, "forbidden")),
            ("/hansa/v1/usage?all_projects=yes", "alice", (400, "bad_request")),
            ("/hansa/v1/usage?limit=-1", "alice", (400, "bad_request")),
            ("/hansa/v1/usage?limit=5000", "alice", (400, "bad_request")),
        ):
            status, body = await get(path, user)
            assert (status, body["code"], body["type"]) == (*expected, f"urn:hansa:error:{expected[1]}")
