"""Apache with mod_auth_openidc, as sites run it in front of Keystone: log-in by browser, and bearer tokens by introspection."""

import asyncio
import shutil
import tempfile
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from tests.support.browser import Answer
from tests.support.ports import free_port
from tests.support.provider_server import AtBrowser, Served, served

from hansa.federation.provider.model import GrantType

pytestmark = pytest.mark.peer

APACHE = shutil.which("apache2", path="/usr/sbin:/usr/bin")
MODULES = Path("/usr/lib/apache2/modules")

if APACHE is None or not (MODULES / "mod_auth_openidc.so").exists():
    pytest.skip(
        "Apache with mod_auth_openidc is missing (Debian: libapache2-mod-auth-openidc)", allow_module_level=True
    )

CONFIG = """
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {home}/apache.pid
ErrorLog {home}/error.log
LogLevel warn
Mutex file:{home} default
User www-data
Group www-data
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authn_core_module {modules}/mod_authn_core.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule authz_user_module {modules}/mod_authz_user.so
LoadModule headers_module {modules}/mod_headers.so
LoadModule auth_openidc_module {modules}/mod_auth_openidc.so
DocumentRoot {home}/www
Header always set X-Seen-User "%{{OIDC_CLAIM_sub}}e"
Header always set X-Seen-Mail "%{{OIDC_CLAIM_email}}e"
OIDCProviderMetadataURL {op}/.well-known/openid-configuration
OIDCClientID {client}
OIDCClientSecret {secret}
OIDCRedirectURI http://127.0.0.1:{port}/secure/back
OIDCCryptoPassphrase 0123456789abcdef
OIDCScope "openid email eduperson_entitlement offline_access"
OIDCPKCEMethod S256
OIDCRemoteUserClaim sub
OIDCCABundlePath {ca}
OIDCOAuthIntrospectionEndpoint {op}/oidc/introspect
OIDCOAuthClientID {client}
OIDCOAuthClientSecret {secret}
OIDCOAuthRemoteUserClaim sub
<Location /secure>
  AuthType openid-connect
  Require claim "eduperson_entitlement:{entitlement}"
</Location>
<Location /other>
  AuthType openid-connect
  Require claim "eduperson_entitlement:urn:geant:example.org:group:other:role=member#localhost"
</Location>
<Location /api>
  AuthType oauth20
  Require claim "eduperson_entitlement:{entitlement}"
</Location>
"""


@dataclass
class Site:
    op: Served
    url: str
    home: Path
    client: str

    def log(self) -> str:
        return (self.home / "error.log").read_text()


@pytest.fixture
def home() -> Iterator[Path]:
    """Outside pytest's own directories: Apache's workers are another user."""
    path = Path(tempfile.mkdtemp(prefix="hansa-apache-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
async def site(tmp_path: Path, home: Path) -> AsyncIterator[Site]:
    async with served(tmp_path) as op, apache(op, home) as found:
        yield found


@asynccontextmanager
async def apache(op: Served, home: Path) -> AsyncIterator[Site]:
    port = free_port()
    redirect = f"http://127.0.0.1:{port}/secure/back"
    client, secret = await op.register(name="A site", redirect_uris=(redirect,), audiences=("https://site.example",))
    for name in ("secure", "other", "api"):
        (home / "www" / name).mkdir(parents=True)
        (home / "www" / name / "page.txt").write_text("inside")
    shutil.copy(op.ca, home / "ca.pem")
    (home / "apache.conf").write_text(
        CONFIG.format(
            port=port,
            home=home,
            modules=MODULES,
            op=op.url,
            client=client,
            secret=secret,
            ca=home / "ca.pem",
            entitlement=op.entitlement,
        )
    )
    arguments = ["-d", home, "-f", home / "apache.conf", "-DFOREGROUND"]
    server = await asyncio.create_subprocess_exec(str(APACHE), *arguments, stdout=DEVNULL, stderr=DEVNULL)
    try:
        async with asyncio.timeout(20):
            while not await asyncio.to_thread(_listens, port):
                assert server.returncode is None, (home / "error.log").read_text()
                await asyncio.sleep(0.1)
        yield Site(op, f"http://127.0.0.1:{port}", home, client)
    finally:
        server.terminate()
        await asyncio.wait_for(server.wait(), 20)


def _listens(port: int) -> bool:
    try:
        requests.get(f"http://127.0.0.1:{port}/", timeout=5)
    except requests.ConnectionError:
        return False
    return True


def visit(site: Site, page: str) -> Answer:
    """A person opens a page of the site, logs in and agrees on the way, and comes back to it."""
    person = AtBrowser(site.op.ca)
    answer = person.get(person.get(f"{site.url}{page}").location)
    answer = person.log_in(answer)
    answer = person.get(f"{site.op.url}{answer.location}")
    answer = person.submit(answer, "/oidc/consent", decision="allow")
    back = person.get(answer.location)
    return person.get(back.location) if back.location else back


async def test_a_person_gets_in_by_browser_and_the_site_knows_who_it_is(site: Site) -> None:
    page = await asyncio.to_thread(visit, site, "/secure/page.txt")
    assert (page.status, page.body) == (200, b"inside"), site.log()
    assert page.header("x-seen-user") == site.op.alice.uid
    assert page.header("x-seen-mail") == "alice@example.org"


async def test_who_is_not_in_the_sites_vo_stays_out(site: Site) -> None:
    page = await asyncio.to_thread(visit, site, "/other/page.txt")
    assert page.status == 401, site.log()
    assert page.body != b"inside"


async def test_a_bearer_token_gets_in_until_its_person_is_suspended(site: Site) -> None:
    op = site.op
    public, _ = await op.register(
        name="Command line",
        confidential=False,
        grants=frozenset({GrantType.DEVICE}),
        audiences=("https://site.example",),
    )

    def token() -> str:
        form = {"client_id": public, "scope": "openid eduperson_entitlement"}
        device = requests.post(f"{op.url}/oidc/device_authorization", form, verify=str(op.ca), timeout=30).json()
        person = AtBrowser(op.ca)
        answer = person.log_in(person.get(device["verification_uri_complete"]))
        page = person.submit(person.get(f"{op.url}{answer.location}"), "/oidc/device")
        person.submit(page, "/oidc/device", decision="allow")
        form = {
            "client_id": public,
            "device_code": device["device_code"],
            "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        }
        return str(requests.post(f"{op.url}/oidc/token", form, verify=str(op.ca), timeout=30).json()["access_token"])

    def calls(text: str) -> int:
        header = {"Authorization": f"Bearer {text}"}
        return requests.get(f"{site.url}/api/page.txt", headers=header, timeout=30).status_code

    good, other = await asyncio.to_thread(token), await asyncio.to_thread(token)
    assert await asyncio.to_thread(calls, good) == 200, site.log()
    assert await asyncio.to_thread(calls, good[:-8] + "AAAAAAAA") == 401
    await op.registry.suspend(op.grid.vo, op.member, "incident")
    assert await asyncio.to_thread(calls, other) == 401  # the first one is in the site's cache for a while
