"""Laws of projects: who sees what, how much of it, and in which order."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from typing import Any

import pytest

from hansa.base.errors import BadRequest, Forbidden, NotFound, QuotaExceeded
from hansa.cloud.conformance.harness import REQUIRED_QUOTA, Harness
from hansa.cloud.model import ADMIN, Server, ServerAction, ServerQuery, ServerState
from hansa.cloud.port import HasProjects


class ProjectLaws:
    async def test_a_machine_of_another_project_does_not_exist(self, harness: Harness) -> None:
        cloud, bob = harness.cloud, harness.bob
        made = await cloud.create_server(harness.alice, harness.spec())
        refused: list[Awaitable[Any]] = [
            cloud.server(bob, made.id),
            cloud.act(bob, made.id, ServerAction.STOP),
            cloud.update_server(bob, made.id, name="mine"),
            cloud.console_log(bob, made.id),
            cloud.delete_server(bob, made.id),
        ]
        for each in refused:
            with pytest.raises(NotFound):
                await each
        assert list(await cloud.servers(bob)) == []
        colleague = replace(harness.alice, user="colleague of alice")
        assert (await cloud.server(colleague, made.id)).user == harness.alice.user
        await harness.delete(colleague, made.id)

    async def test_listings_are_ordered_filtered_and_paged(self, harness: Harness) -> None:
        cloud, alice = harness.cloud, harness.alice
        made = [await cloud.create_server(alice, harness.spec(f"m-{number}")) for number in range(3)]
        foreign = await cloud.create_server(harness.bob, harness.spec("m-0"))
        expected = [server.id for server in sorted(made, key=lambda server: (server.created, server.id))]

        async def listed(**query: Any) -> list[str]:
            return [server.id for server in await cloud.servers(alice, ServerQuery(**query))]

        assert await listed() == expected
        assert await listed(limit=2) == expected[:2]
        assert await listed(limit=2, offset=2) == expected[2:]
        assert await listed(offset=9) == []
        assert await listed(name="m-0") == [made[0].id]
        assert await listed(image=harness.image, flavor=harness.flavor) == expected
        assert await listed(flavor=harness.bigger) == []
        assert await listed(state=ServerState.STOPPED) == []
        with pytest.raises(BadRequest):
            await listed(limit=-1)
        with pytest.raises(Forbidden):
            await listed(all_projects=True)
        operator = replace(alice, roles=frozenset({ADMIN}))
        seen = await cloud.servers(operator, ServerQuery(all_projects=True))
        assert {server.id for server in seen} == {*expected, foreign.id}
        for server in made:
            await harness.delete(alice, server.id)
        await harness.delete(harness.bob, foreign.id)

    async def test_a_used_up_quota_refuses_and_frees_again(self, harness: Harness) -> None:
        cloud, limited = harness.cloud, harness.limited
        outcomes = await asyncio.gather(
            *(cloud.create_server(limited, harness.spec(f"m-{number}")) for number in range(4)), return_exceptions=True
        )
        made = [each for each in outcomes if isinstance(each, Server)]
        refused = [each for each in outcomes if isinstance(each, QuotaExceeded)]
        assert (len(made), len(refused)) == (REQUIRED_QUOTA["servers"], 4 - REQUIRED_QUOTA["servers"])
        assert {key: refused[0].details[key] for key in ("resource", "limit", "used", "requested")} == {
            "resource": "servers",
            "limit": REQUIRED_QUOTA["servers"],
            "used": REQUIRED_QUOTA["servers"],
            "requested": 1,
        }
        quota = await cloud.quota(limited)
        assert {"servers", "vcpus", "ram_mib", "volumes", "volume_gib"} <= set(quota.items)
        assert (quota.items["servers"].limit, quota.items["servers"].used) == (REQUIRED_QUOTA["servers"], len(made))
        assert [server.id for server in await cloud.servers(limited)] == [server.id for server in made]
        assert {event.server for event in await harness.events()} == {server.id for server in made}
        await harness.delete(limited, made[0].id)
        again = await cloud.create_server(limited, harness.spec())
        await harness.delete(limited, again.id)

    async def test_a_project_can_be_made_and_made_again(self, harness: Harness) -> None:
        if not isinstance(harness.cloud, HasProjects):
            pytest.skip("The driver has no projects of its own.")
        await harness.cloud.ensure_project("new", description="A new one")
        await harness.cloud.ensure_project("new")
