"""`hansa proxy` and `hansa vm` as a user types them, with two sites and a VO."""

import json
import os
import pty
import socket
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from tests.support.desk import Desk, desk

from hansa.cli.errors import ExitCode


@pytest.fixture
async def user(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk(tmp_path, site_names=("HANSA-A", "HANSA-B")) as here:
        yield here


def add_dead_site(user: Desk) -> None:
    with (user.home / ".config/hansa/config.toml").open("a") as file:
        file.write('\n[[site]]\nname = "DEAD"\nendpoint = "https://127.0.0.1:1/"\n')


async def test_three_commands_to_a_machine(user: Desk) -> None:
    login = await user.sh("hansa proxy init")
    assert login.returncode == 0, login.stderr
    assert "You are /DC=org/DC=example/O=people/CN=Alice Example." in login.stderr
    made = await user.sh("hansa vm create web --wait -o json")
    assert made.returncode == 0, made.stderr
    machine = json.loads(made.stdout)
    assert (machine["name"], machine["state"], machine["site"]) == ("web", "active", "HANSA-A")
    for chosen in ("site    HANSA-A", "image   ", "flavor  ", "key     ", "Next: hansa vm ssh web"):
        assert chosen in made.stderr
    assert (user.home / ".local/state/hansa/ssh/id_ed25519").exists()
    listed = json.loads(await user.run("hansa vm list -o json"))
    assert [(item["name"], item["site"]) for item in listed["items"]] == [("web", "HANSA-A")]
    assert listed["errors"] == []


async def test_a_dry_run_changes_nothing(user: Desk) -> None:
    await user.run("hansa proxy init")
    done = await user.sh("hansa vm create web --site HANSA-B --dry-run")
    assert "site    HANSA-B" in done.stderr
    assert await user.run("hansa vm list -o name") == ""
    assert not (user.home / ".local/state/hansa/ssh").exists()


async def test_a_machines_life(user: Desk) -> None:
    await user.run("hansa proxy init")
    await user.run("hansa vm create web --wait --site HANSA-B")
    await user.run("hansa vm create db --wait")
    assert sorted((await user.run("hansa vm list -o name")).split()) == ["db", "web"]
    for command, state in {"stop": "inactive", "start": "active", "suspend": "suspended", "start ": "active"}.items():
        await user.run(f"hansa vm {command} we --wait")
        assert json.loads(await user.run("hansa vm show web -o json"))["state"] == state
    await user.run("hansa vm restart web --force --wait")
    await user.run("hansa vm delete web db --yes --wait")
    assert await user.run("hansa vm list -o name") == ""


async def test_a_dead_site_hides_nothing(user: Desk) -> None:
    add_dead_site(user)
    await user.run("hansa proxy init")
    made = await user.sh("hansa vm create web --wait")
    assert made.returncode == 0, made.stderr
    done = await user.sh("hansa vm list -o json")
    assert done.returncode == ExitCode.PARTIAL
    listed = json.loads(done.stdout)
    assert [item["name"] for item in listed["items"]] == ["web"]
    assert [(error["site"], error["code"]) for error in listed["errors"]] == [("DEAD", "client.unreachable")]
    assert "DEAD: Nothing answers at https://127.0.0.1:1" in done.stderr
    sites = await user.sh("hansa site list -o json")
    assert [site["state"] for site in json.loads(sites.stdout)["items"]] == ["ok", "ok", "no answer"]


async def test_a_site_that_never_answers_is_given_up_at_the_deadline(user: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with (user.home / ".config/hansa/config.toml").open("a") as file:
            file.write(f'\n[[site]]\nname = "SILENT"\nendpoint = "https://127.0.0.1:{silent.getsockname()[1]}/"\n')
        await user.run("hansa proxy init")
        done = await user.sh("hansa --deadline 2.5 vm list -o json")
    assert done.returncode == ExitCode.PARTIAL, done.stderr
    assert "Still waiting for SILENT …" in done.stderr
    assert [error["code"] for error in json.loads(done.stdout)["errors"]] == ["client.timeout"]


async def test_the_console_is_shown(user: Desk) -> None:
    await user.run("hansa proxy init")
    await user.run("hansa vm create web --wait")
    assert (await user.sh("hansa vm log web")).returncode == 0
    assert (await user.sh("hansa vm log web --tail 0")).returncode == ExitCode.USAGE


async def test_what_the_sites_offer(user: Desk) -> None:
    await user.run("hansa proxy init")
    images = json.loads(await user.run("hansa image list -o json"))["items"]
    flavors = json.loads(await user.run("hansa flavor list --site HANSA-A -o json"))["items"]
    assert {image["site"] for image in images} == {"HANSA-A", "HANSA-B"}
    assert all(flavor["cores"] and flavor["memory_gib"] for flavor in flavors)
    assert (await user.run("hansa flavor list")).startswith("NAME")


async def test_exit_codes_and_advice(user: Desk) -> None:
    for command, code, words in [
        ("vm list", ExitCode.AUTH, "hansa proxy init --voms fedcloud.egi.eu"),
        ("vm list --site nowhere", ExitCode.USAGE, "The profile has no site “nowhere”; it has: HANSA-A, HANSA-B."),
        ("proxy info", ExitCode.AUTH, "You have no proxy"),
        ("proxy destroy", ExitCode.AUTH, "There is no proxy"),
    ]:
        done = await user.sh(f"hansa {command}")
        assert (done.returncode, words in done.stderr) == (code, True), done.stderr
    await user.run("hansa proxy init")
    for command, code, words in [
        ("vm show nothing", ExitCode.NOT_FOUND, "There is no machine “nothing”."),
        ("vm create x --image windows", ExitCode.NO_SITE, "No site has the image windows"),
        ("vm ssh nothing", ExitCode.NOT_FOUND, "Code: client.no_such_name"),
        ("vm creat", ExitCode.USAGE, "Did you mean create?"),
        ("--version; chmod 644 $X509_USER_PROXY; hansa vm list", ExitCode.ERROR, "Others may read the private key"),
        ("--profile /no/profile vm list", ExitCode.USAGE, "There is no profile /no/profile"),
    ]:
        done = await user.sh(f"hansa {command}")
        assert (done.returncode, words in done.stderr) == (code, True), done.stderr


async def test_a_proxy_that_a_site_would_refuse_is_explained(user: Desk) -> None:
    await user.run("hansa proxy init --no-voms")
    done = await user.sh("hansa vm list")
    assert done.returncode == ExitCode.AUTH
    assert "Likely cause: Your proxy carries no VO membership." in done.stderr
    assert "Next: hansa proxy init --voms fedcloud.egi.eu" in done.stderr


async def test_quota_is_told_apart(tmp_path: Path) -> None:
    async with desk(tmp_path, cloud={"driver": "memory", "memory": {"quota": {"servers": 1}}}) as user:
        await user.run("hansa proxy init && hansa vm create one --wait")
        done = await user.sh("hansa vm create two")
    assert done.returncode == ExitCode.QUOTA, done.stderr
    assert "Code: quota_exceeded" in done.stderr


async def test_a_role_that_is_not_held_is_refused_with_the_servers_words(user: Desk) -> None:
    done = await user.sh("hansa proxy init --voms fedcloud.egi.eu:/fedcloud.egi.eu/Role=VO-Admin")
    assert done.returncode == ExitCode.AUTH
    assert "Unable to satisfy B/fedcloud.egi.eu:VO-Admin request!" in done.stderr
    assert "You do not hold the group or role you asked for." in done.stderr
    assert not user.proxy.exists()


async def test_info_says_whether_a_site_would_accept(user: Desk) -> None:
    await user.run("hansa proxy init")
    good = json.loads(await user.run("hansa proxy info -o json"))
    assert (good["verdict"], good["fedcloud.egi.eu"]) == ("ok", "/fedcloud.egi.eu")
    user.environment["X509_VOMS_DIR"] = str(user.home)
    bad = json.loads(await user.run("hansa proxy info -o json"))
    assert bad["verdict"].startswith("voms.")
    await user.run("hansa proxy destroy")
    assert not user.proxy.exists()


@pytest.mark.skipif(not Path("/dev/pts/ptmx").exists(), reason="no terminals here: /dev/pts is not mounted")
def test_the_passphrase_is_asked_on_the_terminal_and_not_echoed(tmp_path: Path) -> None:
    import asyncio

    async def ask() -> None:
        async with desk(tmp_path) as user:
            locked = user.user.key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.BestAvailableEncryption(b"open sesame"),
            )
            (user.home / ".globus/userkey.pem").write_bytes(locked)
            assert "Your proxy is valid until" in await asyncio.to_thread(_typed, user, "open sesame")

    asyncio.run(ask())


def _typed(user: Desk, passphrase: str) -> str:
    """`voms-proxy-init` on a terminal of its own, where somebody types the passphrase; all that is seen there."""
    ours, theirs = pty.openpty()
    command = ["setsid", "--ctty", "--wait", "voms-proxy-init", "-voms", "fedcloud.egi.eu", "--rfc"]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=user.environment) as process:
        os.close(theirs)
        seen = b""
        while b"Enter GRID pass phrase:" not in seen:
            seen += os.read(ours, 1024)
        os.write(ours, f"{passphrase}\n".encode())
        try:
            while chunk := os.read(ours, 1024):
                seen += chunk
        except OSError:  # the terminal's other end is closed
            pass
        assert process.wait(60) == 0, seen
    os.close(ours)
    assert passphrase.encode() not in seen
    return seen.decode()
