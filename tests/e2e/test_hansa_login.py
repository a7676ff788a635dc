"""`hansa login` with a certificate at a whole site: who I am there, silent renewal, and what OpenStack's clients get of it."""

import asyncio
import json
import os
import shlex
import subprocess
import warnings
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.keystone import KeystoneSite, running_keystone
from tests.support.openstack import Client, Originals, openstack
from tests.support.pki import Grid, split_credential, write_credential, write_secret
from tests.support.ports import free_port
from tests.support.voms import VomsServer, voms_server

from hansa.cli.classic.command import link_programs
from hansa.client.logins import Logins, ProxyWish
from hansa.standards.voms import ac_extension
from hansa.standards.x509 import Credential

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its own dependencies' deprecations
    from keystoneauth1 import exceptions, session

    from hansa.client.keystoneauth import Hansa, Loader

ROOT = Path(__file__).parents[2]
VO = "fedcloud.egi.eu"


@dataclass
class Home:
    """A user's home directory with a certificate, a profile, a VOMS server and a site with Keystone."""

    directory: Path
    grid: Grid
    voms: VomsServer
    keystone: KeystoneSite

    @property
    def proxy(self) -> Path:
        return self.directory / "x509up"

    @property
    def profile(self) -> Path:
        return self.directory / "profile.toml"

    async def sh(self, script: str) -> "subprocess.CompletedProcess[str]":
        environment = {
            "HOME": str(self.directory),
            "PATH": f"{self.directory}/bin:{os.environ['PATH']}",
            "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}",
            "LC_ALL": "C.UTF-8",
            "HANSA_PROFILE": str(self.profile),
        }
        return await asyncio.to_thread(
            subprocess.run,
            ["bash", "-c", script],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
            timeout=120,
        )

    async def run(self, script: str) -> str:
        done = await self.sh(script)
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Home]:
    grid = Grid(now=datetime.now(UTC), port=free_port())
    user = grid.user()
    directory, federation, site = (tmp_path / name for name in ("home", "federation", "site"))
    for each in (directory, federation, site):
        each.mkdir()
    async with voms_server(grid, federation) as voms, running_keystone(site, grid) as keystone:
        await voms.admit(user)
        link_programs(directory / "bin")
        certificate, key = split_credential(user)
        (directory / "usercert.pem").write_bytes(certificate)
        write_secret(directory / "userkey.pem", key)
        (directory / "profile.toml").write_text(
            f"""
            vo = "{VO}"
            [paths]
            certificates = "{federation}/certificates"
            vomsdir = "{federation}/vomsdir"
            vomses = "{federation}/vomses"
            proxy = "x509up"
            user_cert = "usercert.pem"
            user_key = "userkey.pem"
            state = "state"
            [[site]]
            name = "lyra"
            endpoint = "{keystone.site.url}/"
            keystone = "{keystone.url}/"
            """
        )
        yield Home(directory, grid, voms, keystone)


def ending_proxy(grid: Grid) -> Credential:
    user = grid.user()
    return grid.proxy(user, lifetime=timedelta(minutes=5), extensions=[ac_extension([grid.ac(user)])])


def exported(script: str) -> dict[str, str]:
    """The variables that a shell would have."""
    lines = [line.removeprefix("export ") for line in script.splitlines()]
    pairs = [shlex.split(line)[0].partition("=") for line in lines]
    return {name.removeprefix("OS_"): value for name, _sign, value in pairs}


async def test_nobody_is_nobody(home: Home) -> None:
    done = await home.sh("hansa whoami")
    assert done.returncode == 3
    assert "hansa login" in done.stderr


async def test_who_i_am_here_and_at_the_site(home: Home) -> None:
    await home.run("hansa login")
    me = json.loads(await home.run("hansa whoami -o json"))
    assert me["certificate"].endswith("CN=Alice Kim") or "CN=" in me["certificate"]
    assert me[VO].split()[0] == f"/{VO}"
    [at] = me["sites"]
    assert (at["site"], at["project"], at["roles"]) == ("lyra", "fedcloud", ["member"])
    table = await home.run("hansa whoami")
    assert "in project fedcloud (member)" in table
    offline = json.loads(await home.run("hansa whoami --offline -o json"))
    assert "sites" not in offline


async def test_logging_out_leaves_nothing_behind(home: Home) -> None:
    await home.run("hansa login --hours 2")
    assert Logins(home.directory / "state").proxy == ProxyWish((VO,), 2)
    await home.run("hansa logout")
    assert not home.proxy.exists()
    assert Logins(home.directory / "state").proxy is None
    assert "not logged in" in (await home.sh("hansa logout")).stderr


async def test_an_ending_proxy_is_made_anew_silently_if_login_made_it(home: Home) -> None:
    await home.run("hansa login")
    write_credential(home.proxy, ending_proxy(home.grid))
    before = home.proxy.read_bytes()
    await home.run("hansa vm list")
    assert home.proxy.read_bytes() != before
    until = json.loads(await home.run("hansa whoami --offline -o json"))["proxy until"]
    assert datetime.fromisoformat(until) > datetime.now(UTC) + timedelta(hours=11)


async def test_a_proxy_of_other_making_is_left_alone(home: Home) -> None:
    write_credential(home.proxy, ending_proxy(home.grid))
    before = home.proxy.read_bytes()
    await home.run("hansa vm list")
    assert home.proxy.read_bytes() == before


@pytest.mark.peer
async def test_openstack_works_with_what_openrc_prints(home: Home) -> None:
    programs: Originals = openstack()
    await home.run("hansa login")
    printed = await home.run("hansa openrc lyra")
    client = Client(programs, exported(printed))
    issued = await client.json("token", "issue")
    assert await home.keystone.occi(issued["id"]) == 200
    shown = json.loads(await home.run("hansa openrc --format json"))
    assert shown["OS_AUTH_TYPE"] == "v3token"
    clouds = home.directory / "clouds.yaml"
    clouds.write_text(await home.run("hansa openrc --format clouds"))
    cloudy = Client(programs, {"CLIENT_CONFIG_FILE": str(clouds), "CLOUD": "lyra"})
    assert (await cloudy.json("token", "issue"))["project_id"] == issued["project_id"]
    assert "set -gx OS_TOKEN" in await home.run("hansa openrc --format fish")


async def test_the_plug_in_signs_on_and_renews(home: Home) -> None:
    await home.run("hansa login")
    printed = exported(await home.run("hansa openrc --plugin"))
    assert "TOKEN" not in printed
    assert printed["AUTH_TYPE"] == "v3hansa"
    auth = Loader().load_from_options(
        hansa_site=printed["HANSA_SITE"], hansa_profile=printed["HANSA_PROFILE"], auth_url=printed["AUTH_URL"]
    )
    assert isinstance(auth, Hansa)

    def ask() -> int:
        opened = session.Session(auth=auth, verify=str(home.keystone.anchors()))
        try:
            answer = opened.get("/-/", endpoint_filter={"service_type": "occi"}, headers={"Accept": "text/plain"})
            return int(answer.status_code)
        finally:
            opened.session.close()

    assert await asyncio.to_thread(ask) == 200
    first = auth.get_token(None)
    auth.invalidate()
    assert await asyncio.to_thread(ask) == 200
    assert auth.get_token(None) != first


async def test_the_plug_in_tells_who_is_not_logged_in(home: Home) -> None:
    auth = Hansa(hansa_site="lyra", hansa_profile=str(home.profile))
    with pytest.raises(exceptions.Unauthorized, match="no proxy"):
        await asyncio.to_thread(auth.get_token, session.Session(auth=auth))


async def test_the_entry_point_names_the_loader() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    assert f'v3hansa = "{Loader.__module__}:{Loader.__qualname__}"' in project
