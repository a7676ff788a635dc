"""EGI's `fedcloud`: its token, site and endpoint commands against a site, with tokens of an issuer that plays Check-in."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from tests.support.issuer import Upstream, upstream
from tests.support.keystone import KeystoneSite, running_keystone
from tests.support.openstack import Failed, Originals, openstack
from tests.support.pki import Grid

from hansa.site.directory import project_id

pytestmark = pytest.mark.peer
VO, AUDIENCE = "fedcloud.egi.eu", "https://site.example.org"
MEMBER = f"urn:mace:egi.eu:group:{VO}:role=member#aai.egi.eu"
ENTRY = """import sys, types
from importlib.resources import files
gone = types.ModuleType("pkg_resources")
gone.resource_stream = lambda package, name: files(package).joinpath(name).open("rb")
sys.modules.setdefault("pkg_resources", gone)
from fedcloudclient import endpoint
endpoint.GOCDB_PUBLICURL = sys.argv.pop(1)
from fedcloudclient.cli import cli
cli()"""
"""The program, with another registry than the one it has built in, and the part of an old setuptools that it still asks for."""


@pytest.fixture
def up() -> Iterator[Upstream]:
    with upstream("/auth/realms/egi") as found:
        yield found


@pytest.fixture
async def site(up: Upstream, tmp_path: Path) -> AsyncIterator[KeystoneSite]:
    settings: dict[str, Any] = {
        "name": "egi.eu",
        "issuer": up.url,
        "clients": ["oidc-agent"],
        "namespace": "urn:mace:egi.eu",
        "authority": "aai.egi.eu",
        "vos": [VO],
    }
    async with running_keystone(tmp_path, Grid(now=datetime.now(UTC)), issuers=[settings]) as found:
        yield found


@pytest.fixture
def gocdb(site: KeystoneSite) -> Iterator[str]:
    """What the registry says of the site, at an address of its own."""
    members = {"SITENAME": "TEST-SITE", "IN_PRODUCTION": "Y", "URL": f"{site.url}/v3"}
    service = "".join(f"<{name}>{text}</{name}>" for name, text in members.items())
    answers = {
        "get_site_list": '<results><SITE NAME="TEST-SITE"/></results>',
        "get_service_endpoint": f"<results><SERVICE_ENDPOINT>{service}</SERVICE_ENDPOINT></results>",
    }

    class Registry(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = next(text for method, text in answers.items() if f"method={method}" in self.path).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name is given
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/public/"
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass
class Fedcloud:
    originals: Originals
    site: KeystoneSite
    home: Path
    gocdb: str
    token: str

    async def __call__(self, *arguments: str) -> str:
        anchors = str(self.site.anchors())
        environment = {
            "HOME": str(self.home),
            "OIDC_ACCESS_TOKEN": self.token,
            "FEDCLOUD_OIDC_ACCESS_TOKEN": self.token,
            "OS_CACERT": anchors,
            "REQUESTS_CA_BUNDLE": anchors,
        }
        return await self.originals.run(
            "python", "-W", "ignore", "-c", ENTRY, self.gocdb, *arguments, environment=environment
        )


@pytest.fixture
def fedcloud(up: Upstream, site: KeystoneSite, gocdb: str, tmp_path: Path) -> Fedcloud:
    """With the token of a member, as oidc-agent would get it: it names no audience, and userinfo has the entitlements."""
    token = up.token(datetime.now(UTC), aud=None, azp="oidc-agent", sub="f00d@egi.eu")
    up.people[token] = {"sub": "f00d@egi.eu", "eduperson_entitlement": [MEMBER]}
    described = {
        "gocdb": "TEST-SITE",
        "endpoint": f"{site.url}/v3",
        "vos": [{"name": VO, "auth": {"project_id": project_id("fedcloud")}}],
    }
    home = tmp_path / "home"
    configured = home / ".config/fedcloud/site-config"
    configured.mkdir(parents=True)
    (configured / "TEST-SITE.yaml").write_text(json.dumps(described))  # JSON is YAML
    return Fedcloud(openstack(), site, home, gocdb, token)


async def test_the_token_is_valid_and_lists_its_vos(fedcloud: Fedcloud) -> None:
    assert "Token is valid until" in await fedcloud("token", "check")
    assert (await fedcloud("token", "list-vos")).split() == [VO]


async def test_the_site_is_known_by_its_file(fedcloud: Fedcloud) -> None:
    assert (await fedcloud("site", "list")).split() == ["TEST-SITE"]
    shown = await fedcloud("site", "show", "--site", "TEST-SITE")
    assert fedcloud.site.url in shown
    assert project_id("fedcloud") in await fedcloud("site", "show-project-id", "--site", "TEST-SITE", "--vo", VO)


async def test_endpoints_projects_tokens_and_environment(fedcloud: Fedcloud) -> None:
    assert f"{fedcloud.site.url}/v3" in await fedcloud("endpoint", "list", "--site", "TEST-SITE")
    project = project_id("fedcloud")
    listed = await fedcloud("endpoint", "projects", "--site", "TEST-SITE")
    assert project in listed
    assert "fedcloud" in listed
    assert VO in await fedcloud("endpoint", "vos", "--site", "TEST-SITE")
    given = await fedcloud("endpoint", "token", "--site", "TEST-SITE", "--project-id", project)
    token = given.partition("OS_TOKEN=")[2].strip().strip("'\";")
    assert await fedcloud.site.occi(token) == 200
    environment = await fedcloud("endpoint", "env", "--site", "TEST-SITE", "--project-id", project)
    assert "v3oidcaccesstoken" in environment
    assert "OS_PROTOCOL" in environment


async def test_openstack_runs_on_the_site_for_the_vo(fedcloud: Fedcloud) -> None:
    said = await fedcloud("openstack", "--site", "TEST-SITE", "--vo", VO, "token", "issue")
    assert project_id("fedcloud") in said


async def test_a_stranger_s_token_gets_nothing(fedcloud: Fedcloud, up: Upstream) -> None:
    fedcloud.token = up.token(datetime.now(UTC), aud=None, azp="oidc-agent", sub="other@egi.eu")
    up.people[fedcloud.token] = {"sub": "other@egi.eu", "eduperson_entitlement": [MEMBER.replace("aai", "evil")]}
    assert "do not have access" in await fedcloud("endpoint", "projects", "--site", "TEST-SITE")
    with pytest.raises(Failed):
        await fedcloud("endpoint", "token", "--site", "TEST-SITE", "--project-id", project_id("fedcloud"))
    assert fedcloud.site.site.audit()[-1]["reason"] == "identity.foreign_authority"
