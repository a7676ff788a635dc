"""The parts by themselves: command line, seed, logs, places, tables, accelerator."""

import io
import itertools
import json
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

import pycdlib
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.embedded import needs_qemu, settings
from tests.support.schema import differences

from hansa.base.database import Database
from hansa.base.errors import ConfigurationError
from hansa.base.migrations import upgrade
from hansa.cloud.drivers.embedded import accelerator, seed
from hansa.cloud.drivers.embedded.commandline import Card, Drive, Forward, Machine, Sockets, arguments, escape
from hansa.cloud.drivers.embedded.layout import RunDirectory
from hansa.cloud.drivers.embedded.recovery import trim
from hansa.cloud.drivers.embedded.store.networks import Plugged
from hansa.cloud.drivers.embedded.store.tables import metadata
from hansa.cloud.model import Network, NetworkId

MACHINE = Machine(
    "0a1b",
    2,
    512,
    RunDirectory(Path("/state/servers/0a1b")),
    (
        Card(0, "52:54:00:00:00:01", (Forward("127.11.0.1", 2222, 22),)),
        Card(3, "52:54:00:00:00:02", group="239.1.2.3:4567"),
    ),
    (Drive(5, Path("/state/volumes/v,1.raw"), "v1"),),
)


def options(argv: list[str], name: str) -> list[str]:
    return [value for option, value in itertools.pairwise(argv) if option == name]


def test_the_command_line_says_what_the_machine_has() -> None:
    argv = arguments("qemu", "tcg", MACHINE, Sockets(7, 8, 9))
    assert argv[0] == "qemu"
    assert (options(argv, "-smp"), options(argv, "-m"), options(argv, "-uuid")) == (["2"], ["512"], ["0a1b"])
    nat, segment = (json.loads(each) for each in options(argv, "-netdev"))
    assert nat["hostfwd"] == [{"str": "tcp:127.11.0.1:2222-:22"}]
    assert (segment["mcast"], segment["localaddr"]) == ("239.1.2.3:4567", "127.0.0.1")
    volume = json.loads(options(argv, "-blockdev")[-1])
    assert (volume["driver"], volume["file"]["filename"]) == ("raw", "/state/volumes/v,1.raw"), (
        "the format is never guessed"
    )


def test_a_machine_that_may_not_go_out_is_still_reached() -> None:
    kept_in = replace(MACHINE, cards=(replace(MACHINE.cards[0], outbound=False),))
    nat = json.loads(options(arguments("qemu", "tcg", kept_in, Sockets(7, 8, 9)), "-netdev")[0])
    assert (nat["restrict"], len(nat["hostfwd"])) == (True, 1)


def test_a_qemu_that_a_guest_breaks_out_of_cannot_start_programs() -> None:
    assert all(
        "spawn=deny" in each for each in options(arguments("qemu", "tcg", MACHINE, Sockets(7, 8, 9)), "-sandbox")
    )
    assert "-daemonize" not in arguments("qemu", "tcg", MACHINE, Sockets(7, 8, 9)), (
        "it would need what the sandbox denies"
    )


def test_hardware_virtualisation_takes_the_hosts_processor_and_emulation_a_plain_one() -> None:
    kvm, tcg = (arguments("qemu", each, MACHINE, Sockets(7, 8, 9)) for each in ("kvm", "tcg"))
    assert (options(kvm, "-cpu"), options(kvm, "-accel")) == (["host"], ["kvm"])
    assert options(tcg, "-cpu")[0].startswith("qemu64")


def test_a_saved_machine_waits_for_its_memory() -> None:
    assert options(arguments("qemu", "tcg", MACHINE, Sockets(7, 8, 9), incoming=True), "-incoming") == ["defer"]


@given(st.text(alphabet=st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"]), min_size=1))
def test_no_directory_name_breaks_out_of_its_option(name: str) -> None:
    run = RunDirectory(Path("/state") / name)
    argv = arguments("qemu", "tcg", replace(MACHINE, run=run), Sockets(7, 8, 9))
    assert options(argv, "-pidfile")[0].replace(",,", ",") == str(run.pid)
    log = next(each for each in options(argv, "-chardev") if "logfile=" in each)
    assert log.split("logfile=", 1)[1] == f"{escape(run.console)},logappend=on"


def test_a_seed_is_a_disc_that_says_what_it_is(tmp_path: Path) -> None:
    files = {"meta-data": b"{}\n", "user-data": b"#!/bin/sh\n" + b"x" * 60_000, "network-config": b"{}"}
    seed.write_iso(tmp_path / "seed.iso", files)
    disc = pycdlib.PyCdlib()
    disc.open(str(tmp_path / "seed.iso"))
    try:
        assert disc.pvd.volume_identifier.decode().strip() == "cidata"
        for name, content in files.items():
            for how in ({"joliet_path": f"/{name}"}, {"rr_path": f"/{name}"}):
                read = io.BytesIO()
                disc.get_file_from_iso_fp(read, **how)
                assert read.getvalue() == content
    finally:
        disc.close()
    assert (tmp_path / "seed.iso").stat().st_mode & 0o777 == 0o600, "user data may hold secrets"


def test_cards_on_segments_are_told_their_address_and_one_card_the_way_out() -> None:
    inner = Network(NetworkId("n"), "inner", cidr="10.1.0.0/16", gateway="10.1.0.1")
    nat = Plugged(0, "52:54:00:00:00:01", "eth0", "127.11.0.1", ((22, 22),), Network(NetworkId("d"), "default"), None)
    fixed = Plugged(1, "52:54:00:00:00:02", "eth1", "10.1.0.2", (), inner, "239.1.1.1:2000")
    bare = Plugged(2, "52:54:00:00:00:03", "eth2", None, (), Network(NetworkId("b"), "bare"), "239.1.1.2:2000")
    assert seed.cards([nat]) == []
    assert [(nic.name, nic.addresses, nic.gateway) for nic in seed.cards([nat, fixed, bare])] == [
        ("eth0", (), None),
        ("eth1", ("10.1.0.2/16",), None),
    ]
    assert [(nic.addresses, nic.gateway) for nic in seed.cards([fixed])] == [(("10.1.0.2/16",), "10.1.0.1")]


def test_a_log_keeps_its_newest_part(tmp_path: Path) -> None:
    log = tmp_path / "console.log"
    trim(log, 100)
    log.write_bytes(b"a" * 60 + b"b" * 60)
    with log.open("ab", buffering=0) as qemu:
        trim(log, 100)
        qemu.write(b"c")
    assert log.read_bytes() == b"b" * 50 + b"c"
    trim(log, 100)
    assert len(log.read_bytes()) == 51


def test_a_socket_is_reached_however_deep_its_directory_lies(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / ("deep" * 30) / ("deeper" * 20))
    run.make()
    with run.listen("qmp.sock") as listener:
        assert run.path.joinpath("qmp.sock").is_socket()
        assert listener.fileno() > 0


def test_settings_that_cannot_be_meant_are_refused(tmp_path: Path) -> None:
    assert settings(tmp_path).addresses != IPv4Network("127.11.0.0/16"), "tests have pools of their own"
    for wrong in ({"forwards": {0: 22}}, {"addresses": "10.0.0.1/8"}, {"unknown": 1}, {"image_gib": 0}):
        with pytest.raises((ValueError, ConfigurationError)):
            settings(tmp_path, **wrong)


async def test_migrations_make_the_tables_that_the_store_believes_in(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path / 'cloud.db'}")
    try:
        await upgrade(db, "cloud.drivers.embedded")
        assert await differences(db, metadata) == []
    finally:
        db.close()


@pytest.mark.qemu
@needs_qemu
async def test_the_accelerator_is_tried_once_and_remembered(tmp_path: Path) -> None:
    cache = tmp_path / "accelerator.json"
    assert await accelerator.runs("qemu-system-x86_64", "tcg", 20.0), "the trial itself works"
    assert not await accelerator.runs("qemu-system-x86_64", "tcg", 0.001), "one that is too slow is none"
    found = await accelerator.choose("qemu-system-x86_64", cache)
    assert found in ("kvm", "tcg")
    known = json.loads(cache.read_text())
    other = "tcg" if found == "kvm" else "kvm"
    cache.write_text(json.dumps({**known, "accelerator": other}))
    assert await accelerator.choose("qemu-system-x86_64", cache) == other
    cache.write_text(json.dumps({**known, "accelerator": other, "facts": {**known["facts"], "kernel": "older"}}))
    assert await accelerator.choose("qemu-system-x86_64", cache) == found
    cache.write_text("not JSON")
    assert await accelerator.choose("qemu-system-x86_64", cache) == found
