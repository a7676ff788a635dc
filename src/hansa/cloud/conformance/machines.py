"""Laws of a machine: its life, what each state allows, deletion at any moment, restarts of the driver."""

import asyncio

import pytest

from hansa.base.errors import BadRequest, Conflict, NotFound
from hansa.cloud.conformance.harness import Harness, ability
from hansa.cloud.model import EventKind, FlavorId, ImageId, NetworkId, Server, ServerAction, ServerSpec, ServerState
from hansa.cloud.port import CanResize, CanSnapshot

_LIFE: tuple[tuple[ServerAction, ServerState, EventKind | None], ...] = (
    (ServerAction.STOP, ServerState.STOPPED, EventKind.STOPPED),
    (ServerAction.START, ServerState.ACTIVE, EventKind.STARTED),
    (ServerAction.REBOOT, ServerState.ACTIVE, None),
    (ServerAction.RESET, ServerState.ACTIVE, None),
    (ServerAction.SUSPEND, ServerState.SUSPENDED, EventKind.SUSPENDED),
    (ServerAction.START, ServerState.ACTIVE, EventKind.STARTED),
    (ServerAction.PAUSE, ServerState.PAUSED, EventKind.SUSPENDED),
    (ServerAction.START, ServerState.ACTIVE, EventKind.STARTED),
    (ServerAction.POWEROFF, ServerState.STOPPED, EventKind.STOPPED),
)
"""A walk through all actions: what is done, where it ends, which event tells of it."""


class MachineLaws:
    async def test_the_cloud_says_what_it_is_and_offers(self, harness: Harness) -> None:
        info = await harness.cloud.info()
        assert info.driver
        assert info.version
        assert {ServerAction.START, ServerAction.STOP} <= info.actions
        flavors = {flavor.id: flavor for flavor in await harness.cloud.flavors(harness.alice)}
        small, bigger = flavors[harness.flavor], flavors[harness.bigger]
        assert small.vcpus >= 1
        assert (bigger.vcpus, bigger.ram_mib) > (small.vcpus, small.ram_mib)
        assert harness.image in {image.id for image in await harness.cloud.images(harness.alice)}

    async def test_a_machine_lives_from_pending_to_gone(self, harness: Harness) -> None:
        cloud, alice = harness.cloud, harness.alice
        asked = harness.spec("life", hostname="life.example", metadata={"a": "1"}, user_data=b"#!/bin/sh\ntrue\n")
        made = await cloud.create_server(alice, asked)
        assert (made.state, made.task) == (ServerState.PENDING, "spawning")
        assert (made.name, made.project, made.user, made.image) == ("life", alice.project, alice.user, harness.image)
        assert (made.hostname, made.flavor.id, dict(made.metadata)) == ("life.example", harness.flavor, {"a": "1"})
        running = await harness.reached(alice, made.id, ServerState.ACTIVE)
        assert running.launched is not None
        assert made.created.utcoffset() is not None, "times are aware"
        assert running.launched >= made.created
        assert list(await cloud.servers(alice)) == [running], "a listing shows all detail"
        await self._rename(harness, running)
        await self._walk(harness, running)
        await harness.delete(alice, made.id)
        for refused in (cloud.server(alice, made.id), cloud.delete_server(alice, made.id)):
            with pytest.raises(NotFound):
                await refused
        assert list(await cloud.servers(alice)) == []
        assert (await harness.story(made.id))[-1] is EventKind.DELETED

    async def _rename(self, harness: Harness, running: Server) -> None:
        cloud, alice = harness.cloud, harness.alice
        renamed = await cloud.update_server(alice, running.id, name="new name", hostname="new")
        assert (renamed.name, renamed.hostname, renamed.state) == ("new name", "new", ServerState.ACTIVE)
        assert (await cloud.update_server(alice, running.id, name="again")).hostname == "new"
        for wrong in ({"name": " "}, {"name": "a\nb"}, {"hostname": "-a"}, {"hostname": "a_b"}):
            with pytest.raises(BadRequest):
                await cloud.update_server(alice, running.id, **wrong)
        assert len(await cloud.console_log(alice, running.id, tail_bytes=5)) <= 5

    async def _walk(self, harness: Harness, running: Server) -> None:
        cloud, alice = harness.cloud, harness.alice
        offered = (await cloud.info()).actions
        told = [EventKind.CREATED, EventKind.STARTED]
        state = ServerState.ACTIVE
        with pytest.raises(Conflict):
            await cloud.act(alice, running.id, ServerAction.START)
        for action, after, event in _LIFE:
            if action not in offered or (action is ServerAction.START and state is ServerState.ACTIVE):
                continue  # nothing to wake up from, where the state before is not offered
            accepted = await cloud.act(alice, running.id, action)
            assert accepted.task, f"{action} takes time, and shows it"
            state = (await harness.reached(alice, running.id, after)).state
            told += [event] if event else []
            assert await harness.story(running.id) == told, f"after {action}"
            if after is not ServerState.ACTIVE:
                with pytest.raises(Conflict):
                    await cloud.act(alice, running.id, ServerAction.REBOOT)
        events = await harness.events(running.id)
        assert [event.time for event in events] == sorted(event.time for event in events)
        assert {(event.project, event.user, event.vo, event.fqan) for event in events} == {
            (alice.project, alice.user, alice.vo, alice.fqan)
        }
        assert (events[0].vcpus, events[0].ram_mib) == (running.flavor.vcpus, running.flavor.ram_mib)

    async def test_a_machine_can_be_deleted_while_it_starts(self, harness: Harness) -> None:
        made = await harness.cloud.create_server(harness.alice, harness.spec())
        await harness.cloud.delete_server(harness.alice, made.id)
        await harness.gone(harness.alice, made.id)
        story = await harness.story(made.id)
        assert story[0] is EventKind.CREATED
        assert story[-1] is EventKind.DELETED
        assert len(story) == len(set(story)), "each change is told once"
        quota = await harness.cloud.quota(harness.alice)
        assert quota.items["servers"].used == 0

    async def test_a_machine_can_be_deleted_while_it_stops(self, harness: Harness) -> None:
        made = await harness.running(harness.alice)
        await harness.cloud.act(harness.alice, made.id, ServerAction.STOP)
        await harness.delete(harness.alice, made.id)
        story = await harness.story(made.id)
        assert story.count(EventKind.DELETED) == 1
        assert story[-1] is EventKind.DELETED

    async def test_the_same_request_makes_one_machine(self, harness: Harness) -> None:
        cloud, spec = harness.cloud, harness.spec(request_id="r-1")
        first, *others = await asyncio.gather(*(cloud.create_server(harness.alice, spec) for _ in range(5)))
        assert {other.id for other in others} == {first.id}
        assert [server.id for server in await cloud.servers(harness.alice)] == [first.id]
        elsewhere = await cloud.create_server(harness.bob, spec)
        assert elsewhere.id != first.id, "a request id counts within its project"
        assert (await harness.story(first.id)).count(EventKind.CREATED) == 1
        await harness.delete(harness.alice, first.id)
        await harness.delete(harness.bob, elsewhere.id)

    async def test_wishes_that_cannot_be_right_leave_nothing(self, harness: Harness) -> None:
        wrong: list[ServerSpec] = [
            harness.spec(""),
            harness.spec("a\x00b"),
            harness.spec("x" * 256),
            harness.spec(hostname="a..b"),
            harness.spec(hostname="x" * 64),
            harness.spec(user_data=b"x" * 65_537),
            harness.spec(ssh_keys=("ssh-ed25519 AAAA\nssh-ed25519 BBBB",)),
            harness.spec(ssh_keys=("k",) * 33),
            harness.spec(metadata={"": "x"}),
            harness.spec(metadata={"k": "x" * 256}),
            harness.spec(request_id=""),
        ]
        for spec in wrong:
            with pytest.raises(BadRequest):
                await harness.cloud.create_server(harness.alice, spec)
        absent = "00000000-0000-0000-0000-000000000000"
        for spec in (
            harness.spec(image=ImageId(absent)),
            harness.spec(image=ImageId("../../etc/passwd")),
            harness.spec(flavor=FlavorId(absent)),
            harness.spec(networks=(NetworkId(absent),)),
        ):
            with pytest.raises(NotFound):
                await harness.cloud.create_server(harness.alice, spec)
        assert list(await harness.cloud.servers(harness.alice)) == []
        assert await harness.events() == []
        assert (await harness.cloud.quota(harness.alice)).items["servers"].used == 0

    async def test_a_restart_of_the_driver_keeps_everything(self, harness: Harness) -> None:
        made = await harness.cloud.create_server(harness.alice, harness.spec("kept", request_id="r-2"))
        harness.cloud = await harness.reopen()
        running = await harness.reached(harness.alice, made.id, ServerState.ACTIVE)
        told = await harness.events()
        harness.cloud = await harness.reopen()
        assert await harness.idle(harness.alice, made.id) == running, "machines run on"
        assert await harness.events() == told, "nothing is told twice"
        assert (await harness.cloud.create_server(harness.alice, harness.spec("kept", request_id="r-2"))).id == made.id
        await harness.delete(harness.alice, made.id)
        harness.cloud = await harness.reopen()
        with pytest.raises(NotFound):
            await harness.cloud.server(harness.alice, made.id)

    async def test_many_machines_can_be_created_at_once(self, harness: Harness) -> None:
        alice = harness.alice
        made = await asyncio.gather(
            *(harness.cloud.create_server(alice, harness.spec(f"m-{number}")) for number in range(harness.many))
        )
        assert len({server.id for server in made}) == harness.many
        running = [await harness.reached(alice, server.id, ServerState.ACTIVE) for server in made]
        macs = [card.mac for server in running for card in server.interfaces]
        assert len(set(macs)) == len(macs)
        for server in made:
            assert await harness.story(server.id) == [EventKind.CREATED, EventKind.STARTED]
            await harness.cloud.delete_server(alice, server.id)
        for server in made:
            await harness.gone(alice, server.id)

    async def test_resize_grows_a_running_machine_and_snapshot_keeps_its_disk(self, harness: Harness) -> None:
        cloud, resizable = harness.cloud, ability(harness.cloud, CanResize)
        made = await harness.running(harness.alice)
        accepted = await resizable.resize_server(harness.alice, made.id, harness.bigger)
        assert accepted.task
        grown = await harness.reached(harness.alice, made.id, ServerState.ACTIVE)
        assert grown.flavor.id == harness.bigger
        assert await harness.story(made.id) == [
            EventKind.CREATED,
            EventKind.STARTED,
            EventKind.STOPPED,
            EventKind.STARTED,
        ]
        assert [event.vcpus for event in await harness.events(made.id)][-2:] == [made.flavor.vcpus, grown.flavor.vcpus]
        assert (await cloud.quota(harness.alice)).items["vcpus"].used == grown.flavor.vcpus
        if grown.flavor.disk_gib > made.flavor.disk_gib:
            with pytest.raises(BadRequest):
                await resizable.resize_server(harness.alice, made.id, harness.flavor)
        with pytest.raises(NotFound):
            await resizable.resize_server(harness.bob, made.id, harness.flavor)
        await self._snapshot(harness, grown)
        await harness.delete(harness.alice, made.id)

    async def _snapshot(self, harness: Harness, server: Server) -> None:
        if not isinstance(harness.cloud, CanSnapshot):
            return
        await harness.cloud.act(harness.alice, server.id, ServerAction.STOP)
        await harness.reached(harness.alice, server.id, ServerState.STOPPED)
        with pytest.raises(BadRequest):
            await harness.cloud.save_server(harness.alice, server.id, "")
        with pytest.raises(NotFound):
            await harness.cloud.save_server(harness.bob, server.id, "stolen")
        image = await harness.cloud.save_server(harness.alice, server.id, "saved")
        assert (image.name, image.owner) == ("saved", harness.alice.project)
        await harness.idle(harness.alice, server.id)
        assert image.id in {each.id for each in await harness.cloud.images(harness.alice)}
        assert image.id not in {each.id for each in await harness.cloud.images(harness.bob)}
        with pytest.raises(NotFound):
            await harness.cloud.create_server(harness.bob, harness.spec(image=image.id, flavor=harness.bigger))
        copy = await harness.cloud.create_server(harness.alice, harness.spec(image=image.id, flavor=harness.bigger))
        await harness.delete(harness.alice, copy.id)
