"""A real machine, from the wish to the shell in it, and away again."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.embedded import (
    ALICE,
    GUEST,
    embedded,
    gone,
    idle,
    make_key,
    needs_qemu,
    running,
    small_disk,
    ssh,
    state_of,
)
from tests.support.guest import guest_image

from hansa.cloud.model import EventKind, FlavorId, Image, NetworkId, ServerAction, ServerSpec, ServerState

pytestmark = [pytest.mark.qemu, needs_qemu]


async def test_a_machine_is_reached_by_ssh_with_what_user_data_left(tmp_path: Path) -> None:
    image = guest_image()
    key, public = make_key(tmp_path)
    async with embedded(tmp_path / "state") as cloud:
        await cloud.add_image(Image(GUEST, "guest", 0), image)
        spec = ServerSpec(
            "first",
            GUEST,
            FlavorId("small"),
            hostname="first.example",
            user_data=b"#!/bin/sh\necho left by user data > /root/note\n",
            ssh_keys=(public,),
        )
        made = await idle(cloud, (await cloud.create_server(ALICE, spec)).id)
        assert made.state is ServerState.ACTIVE, made.fault
        assert made.interfaces[0].forwards.keys() == {22}
        told = await ssh(
            made, key, "for i in 1 2 3 4 5 6 7 8 9 10; do [ -f note ] && break; sleep 1; done; hostname; cat note"
        )
        assert told.split("\n")[:2] == ["first", "left by user data"]
        assert b"first" in await cloud.console_log(ALICE, made.id)
        await cloud.delete_server(ALICE, made.id)
        await gone(cloud, made.id)
        assert running(tmp_path / "state") == []
        assert list((tmp_path / "state" / "servers").iterdir()) == []


async def test_two_machines_meet_on_a_segment_of_their_own(tmp_path: Path) -> None:
    """And what else is inside: a volume with its serial number, memory that survives suspension, a power button."""
    image = guest_image()
    key, public = make_key(tmp_path)
    async with embedded(tmp_path / "state") as cloud:
        await cloud.add_image(Image(GUEST, "guest", 0), image)
        inner = await cloud.create_network(ALICE, name="inner", cidr="192.168.77.0/24")
        volume = await cloud.create_volume(ALICE, name="data", size_gib=0.125)
        spec = ServerSpec(
            "first", GUEST, FlavorId("small"), ssh_keys=(public,), networks=(NetworkId("default"), inner.id)
        )
        made = [await cloud.create_server(ALICE, spec), await cloud.create_server(ALICE, replace(spec, name="second"))]
        first, second = [await idle(cloud, server.id) for server in made]
        assert [server.interfaces[1].address for server in (first, second)] == ["192.168.77.1", "192.168.77.2"]
        await ssh(second, key, "true")
        assert "1 packets received" in await ssh(first, key, "ping -c 1 -w 20 192.168.77.2")

        attachment = await cloud.attach_volume(ALICE, first.id, volume.id)
        await idle(cloud, first.id)
        name = attachment.device.removeprefix("/dev/")
        told = await ssh(first, key, f"sleep 1; cd /sys/block/{name}; cat serial; echo; cat size; echo on > /run/kept")
        assert told.split() == [volume.id[:20], str(2**27 // 512)]
        await cloud.update_volume(ALICE, volume.id, size_gib=0.5)
        assert (await ssh(first, key, f"cat /sys/block/{name}/size")).strip() == str(2**29 // 512)

        await cloud.act(ALICE, first.id, ServerAction.SUSPEND)
        assert (await idle(cloud, first.id)).state is ServerState.SUSPENDED
        assert len(running(tmp_path / "state")) == 1
        await cloud.act(ALICE, first.id, ServerAction.START)
        assert (await idle(cloud, first.id)).state is ServerState.ACTIVE
        assert "on" in await ssh(first, key, "cat /run/kept")
        assert not (tmp_path / "state" / "servers" / first.id / "memory").exists()

        await ssh(second, key, "poweroff")
        await state_of(cloud, second.id, ServerState.STOPPED)
        assert (await cloud.events())[-1].detail == "the guest switched itself off"

        other = await cloud.create_network(ALICE, name="other", cidr="192.168.78.0/24")
        card = await cloud.attach_interface(ALICE, second.id, other.id)
        await idle(cloud, second.id)
        await cloud.act(ALICE, second.id, ServerAction.START)
        await idle(cloud, second.id)
        assert f"{card.address}/24" in await ssh(second, key, "ip -4 -o address"), (
            "plugged in while off, set at the next start"
        )


async def test_a_guest_that_fills_the_hosts_disk_waits_until_there_is_room(tmp_path: Path) -> None:
    image = guest_image()
    key, public = make_key(tmp_path)
    disks = tmp_path / "state" / "servers"
    with small_disk(disks, "24m"):
        async with embedded(tmp_path / "state") as cloud:
            await cloud.add_image(Image(GUEST, "guest", 0), image)
            spec = ServerSpec("greedy", GUEST, FlavorId("small"), ssh_keys=(public,))
            server = await idle(cloud, (await cloud.create_server(ALICE, spec)).id)
            await ssh(server, key, "(dd if=/dev/urandom of=/root/fill bs=1M count=40; sync) >/dev/null 2>&1 &")
            paused = await state_of(cloud, server.id, ServerState.PAUSED)
            assert paused.fault == "The host's disk is full; make room and start the machine."
            assert (await cloud.events())[-1].kind is EventKind.SUSPENDED
            more = await asyncio.create_subprocess_exec("mount", "-o", "remount,size=200m", str(disks))
            assert await more.wait() == 0
            await cloud.act(ALICE, server.id, ServerAction.START)
            assert (await state_of(cloud, server.id, ServerState.ACTIVE)).fault is None
            assert "40.0M" in await ssh(server, key, "while pidof dd >/dev/null; do sleep 1; done; ls -lh /root/fill")
