"""What goes wrong on a host is told in a sentence, and leaves the cloud consistent."""

import asyncio
import json
import shutil
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support import embedded as support
from tests.support.embedded import ALICE, BLANK, embedded, gone, idle, needs_qemu, running, small_disk, state_of

from hansa.base.errors import BackendDown, BadRequest, CapacityExceeded, Conflict
from hansa.cloud.drivers.embedded import EmbeddedCloud, process
from hansa.cloud.model import (
    EventKind,
    FlavorId,
    Image,
    ImageId,
    Server,
    ServerAction,
    ServerId,
    ServerSpec,
    ServerState,
)

pytestmark = [pytest.mark.qemu, needs_qemu]

SPEC = ServerSpec("machine", BLANK, FlavorId("small"))


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[EmbeddedCloud]:
    async with embedded(tmp_path / "state") as opened:
        yield opened


async def story(cloud: EmbeddedCloud, server: ServerId) -> list[EventKind]:
    return [event.kind for event in await cloud.events() if event.server == server]


async def made(cloud: EmbeddedCloud, spec: ServerSpec = SPEC) -> Server:
    return await idle(cloud, (await cloud.create_server(ALICE, spec)).id)


async def test_without_qemu_the_cloud_does_not_open(tmp_path: Path) -> None:
    with pytest.raises(BackendDown, match="QEMU"):
        async with embedded(tmp_path / "state", qemu="qemu-of-nowhere"):
            pass


async def test_a_qemu_that_vanishes_is_an_error_of_the_machine(tmp_path: Path) -> None:
    program = tmp_path / "qemu"
    program.symlink_to(str(shutil.which("qemu-system-x86_64")))
    async with embedded(tmp_path / "state", qemu=str(program)) as cloud:
        program.unlink()
        failed = await made(cloud)
        assert (failed.state, failed.fault) == (
            ServerState.ERROR,
            "QEMU (qemu-system-x86_64) is not installed on this host.",
        )
        assert await story(cloud, failed.id) == [EventKind.CREATED, EventKind.FAILED]
        assert not (tmp_path / "state" / "servers" / failed.id / "disk.qcow2").exists()
        await cloud.delete_server(ALICE, failed.id)
        await gone(cloud, failed.id)


async def test_qemu_killed_in_the_middle_of_its_start_is_an_error_of_the_machine(tmp_path: Path) -> None:
    program = tmp_path / "qemu"
    program.write_text('#!/bin/sh\n[ "$1" = --version ] && exec qemu-system-x86_64 --version\nkill -9 $$\n')
    program.chmod(0o755)
    async with embedded(tmp_path / "state", qemu=str(program), accelerator="tcg") as cloud:
        failed = await made(cloud)
        assert failed.state is ServerState.ERROR
        assert failed.fault
        assert "QEMU could not start the machine" in failed.fault
        assert running(tmp_path / "state") == []


async def test_a_machine_whose_qemu_is_killed_is_stopped_and_starts_again(cloud: EmbeddedCloud, tmp_path: Path) -> None:
    server = await made(cloud)
    (qemu,) = running(tmp_path / "state")
    await process.end(qemu)
    await state_of(cloud, server.id, ServerState.STOPPED)
    last = (await cloud.events())[-1]
    assert (last.kind, last.detail) == (EventKind.STOPPED, "QEMU ended unexpectedly")
    await cloud.act(ALICE, server.id, ServerAction.START)
    await state_of(cloud, server.id, ServerState.ACTIVE)
    assert (await story(cloud, server.id))[-2:] == [EventKind.STOPPED, EventKind.STARTED]


async def test_a_machine_that_died_while_the_cloud_was_closed_is_stopped(tmp_path: Path) -> None:
    wanted = support.settings(tmp_path / "state")
    async with embedded(tmp_path / "state") as cloud:
        server = await made(cloud)
        await cloud.close()
        await support.end_all(tmp_path / "state")
        await cloud.open()
        assert (await cloud.server(ALICE, server.id)).state is ServerState.STOPPED
        assert wanted.resume_after_reboot, "but the host was not restarted"
        assert await story(cloud, server.id) == [EventKind.CREATED, EventKind.STARTED, EventKind.STOPPED]


@pytest.mark.parametrize("resume", [True, False])
async def test_after_a_restart_of_the_host_machines_run_again_if_wanted(resume: bool, tmp_path: Path) -> None:
    async with embedded(tmp_path / "state", resume_after_reboot=resume) as cloud:
        server = await made(cloud)
        await cloud.close()
        await support.end_all(tmp_path / "state")
        noted = tmp_path / "state" / "servers" / server.id / "instance.json"
        noted.write_text(json.dumps({**json.loads(noted.read_text()), "boot_id": "an earlier one"}))
        await cloud.open()
        await state_of(cloud, server.id, ServerState.ACTIVE if resume else ServerState.STOPPED)
        told = [EventKind.CREATED, EventKind.STARTED, EventKind.STOPPED]
        assert await story(cloud, server.id) == told + [EventKind.STARTED] * resume


async def test_what_a_machine_was_started_with_is_noted(cloud: EmbeddedCloud, tmp_path: Path) -> None:
    server = await made(cloud)
    noted = json.loads((tmp_path / "state" / "servers" / server.id / "instance.json").read_text())
    (qemu,) = running(tmp_path / "state")
    assert (noted["pid"], noted["started"]) == (qemu.pid, qemu.started)
    assert noted["argv"][1:3] == ["-name", f"guest=hansa-{server.id}"]
    assert noted["type"].startswith("pc-q35-"), "a saved memory needs this very type, also under a newer QEMU"


async def test_a_machine_whose_making_failed_cannot_be_started(tmp_path: Path) -> None:
    program = tmp_path / "qemu"
    program.symlink_to(str(shutil.which("qemu-system-x86_64")))
    async with embedded(tmp_path / "state", qemu=str(program)) as cloud:
        program.unlink()
        failed = await made(cloud)
        program.symlink_to(str(shutil.which("qemu-system-x86_64")))
        await cloud.act(ALICE, failed.id, ServerAction.POWEROFF)
        await state_of(cloud, failed.id, ServerState.STOPPED)
        await cloud.act(ALICE, failed.id, ServerAction.START)
        again = await state_of(cloud, failed.id, ServerState.ERROR)
        assert again.fault == "The machine has no disk, because its making failed; delete it and make another."


async def test_a_process_of_a_machine_that_is_not_known_is_ended(tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with embedded(state) as cloud:
        stranger = state / "servers" / "stranger"
        stranger.mkdir()
        qemu = await asyncio.create_subprocess_exec(
            *("qemu-system-x86_64", "-accel", "tcg", "-nodefaults", "-display", "none", "-S"),
            *("-pidfile", str(stranger / "pid")),
        )
        await cloud.close()
        await cloud.open()
        assert await asyncio.wait_for(qemu.wait(), 10) != 0
        assert not stranger.exists()


async def test_only_one_process_has_the_cloud_open(cloud: EmbeddedCloud, tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="Another process"):
        await EmbeddedCloud(support.settings(tmp_path / "state")).open()


async def test_where_a_port_is_taken_on_every_address_the_other_one_is_used(tmp_path: Path) -> None:
    with socket.create_server(("", 0)) as rival:
        taken = rival.getsockname()[1]
        async with embedded(tmp_path / "state", forwards={taken: 2222}) as cloud:
            assert (await made(cloud)).interfaces[0].forwards == {taken: 2222}


async def test_an_address_whose_ports_are_taken_is_passed_over(tmp_path: Path) -> None:
    wanted = support.settings(tmp_path / "state", forwards={8022: 2222})
    first, second = (str(address) for address in list(wanted.addresses.hosts())[:2])
    with socket.create_server((first, 8022)), socket.create_server((first, 2222)):
        async with embedded(tmp_path / "state", forwards={8022: 2222}, addresses=wanted.addresses) as cloud:
            card = (await made(cloud)).interfaces[0]
            assert (card.address, card.forwards) == (second, {8022: 8022})


async def test_a_port_taken_behind_our_back_is_told(tmp_path: Path) -> None:
    async with embedded(tmp_path / "state") as cloud:
        server = await made(cloud)
        await cloud.act(ALICE, server.id, ServerAction.POWEROFF)
        await state_of(cloud, server.id, ServerState.STOPPED)
        card = server.interfaces[0]
        with socket.create_server((card.address, card.forwards[22])):
            await cloud.act(ALICE, server.id, ServerAction.START)
            failed = await state_of(cloud, server.id, ServerState.ERROR)
        assert failed.fault == "Another program of the host has taken the machine's port."
        await cloud.act(ALICE, server.id, ServerAction.POWEROFF)
        await state_of(cloud, server.id, ServerState.STOPPED)
        await cloud.act(ALICE, server.id, ServerAction.START)
        await state_of(cloud, server.id, ServerState.ACTIVE)


@pytest.mark.parametrize("reference", ["backing file", "data file"])
async def test_an_image_that_refers_to_another_file_is_refused(
    reference: str, cloud: EmbeddedCloud, tmp_path: Path
) -> None:
    secret, image = tmp_path / "secret.raw", tmp_path / "image.qcow2"
    secret.write_bytes(b"\0" * 2**20)
    options = {
        "backing file": ["-F", "raw", "-b", str(secret)],
        "data file": ["-o", f"data_file={tmp_path / 'data'},data_file_raw=on"],
    }[reference]
    create = ("qemu-img", "create", "-q", "-f", "qcow2", *options, str(image), "1M")
    assert await (await asyncio.create_subprocess_exec(*create)).wait() == 0
    with pytest.raises(BadRequest):
        await cloud.add_image(Image(ImageId("bad"), "bad", 0), image)
    assert {each.id for each in await cloud.images(ALICE)} == {BLANK}
    assert [path.name for path in (tmp_path / "state" / "images").iterdir()] == ["blank.raw"]


async def test_an_image_in_use_stays_until_its_last_machine_has_gone(cloud: EmbeddedCloud, tmp_path: Path) -> None:
    server = await made(cloud)
    await cloud.remove_image(BLANK)
    assert list(await cloud.images(ALICE)) == []
    file = tmp_path / "state" / "images" / "blank.raw"
    assert file.exists()
    await cloud.delete_server(ALICE, server.id)
    await gone(cloud, server.id)
    for _ in range(100):
        if not file.exists():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the image's file is still there")


async def test_a_machine_too_many_for_the_hosts_memory_is_refused_with_numbers(tmp_path: Path) -> None:
    async with embedded(tmp_path / "state", memory_mib=200) as cloud:
        first = await made(cloud)
        with pytest.raises(CapacityExceeded, match="72 MiB of memory left, 128 MiB") as refused:
            await cloud.create_server(ALICE, SPEC)
        assert refused.value.details == {"resource": "ram_mib", "limit": 200, "used": 128, "requested": 128}
        await cloud.act(ALICE, first.id, ServerAction.POWEROFF)
        await state_of(cloud, first.id, ServerState.STOPPED)
        second = await made(cloud)
        with pytest.raises(CapacityExceeded):
            await cloud.act(ALICE, first.id, ServerAction.START)
        assert {each.id for each in await cloud.servers(ALICE)} == {first.id, second.id}


async def test_nothing_new_is_made_when_the_disk_is_nearly_full(tmp_path: Path) -> None:
    async with embedded(tmp_path / "state"):
        pass
    reserved = EmbeddedCloud(support.settings(tmp_path / "state", disk_reserve_gib=1e6))
    await reserved.open()
    try:
        with pytest.raises(CapacityExceeded, match="GiB left"):
            await reserved.create_server(ALICE, SPEC)
        with pytest.raises(CapacityExceeded, match="GiB left"):
            await reserved.create_volume(ALICE, name="v", size_gib=1)
        assert list(await reserved.servers(ALICE)) == []
    finally:
        await reserved.close()


async def test_a_disk_that_fills_up_during_a_launch_undoes_it(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with small_disk(state / "servers", "96k"):  # room for an overlay, not for a seed
        async with embedded(state) as cloud:
            failed = await made(cloud, replace(SPEC, user_data=b"#!/bin/sh\n" + b"#" * 60_000))
            assert (failed.state, failed.fault) == (ServerState.ERROR, "The host's disk is full.")
            assert running(state) == []
            assert {path.name for path in (state / "servers" / failed.id).iterdir()} == set()
            await cloud.delete_server(ALICE, failed.id)
            await gone(cloud, failed.id)
            assert list((state / "servers").iterdir()) == []


async def test_an_image_that_does_not_fit_leaves_nothing(tmp_path: Path) -> None:
    state = tmp_path / "state"
    big = tmp_path / "big.raw"
    big.write_bytes(b"\1" * 12 * 2**20)
    with small_disk(state / "images", "8m"):
        async with embedded(state) as cloud:
            with pytest.raises(CapacityExceeded):
                await cloud.add_image(Image(ImageId("big"), "big", 0, disk_format="raw"), big)
            assert {each.id for each in await cloud.images(ALICE)} == {BLANK}
            assert [path.name for path in (state / "images").iterdir()] == ["blank.raw"]
