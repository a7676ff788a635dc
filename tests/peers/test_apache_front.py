"""Apache with mod_gridsite as the trusted front: docs/how-to/apache-front.md, its configuration taken from there."""

import asyncio
import json
import re
import shutil
import ssl
import tempfile
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

import pytest
from tests.support.echo import echo
from tests.support.pki import Grid, write_credential
from tests.support.ports import free_port
from tests.support.wire import Answer, Wire, client_context

from hansa.base.serving import Listener, TrustedFront, running
from hansa.standards.x509 import Credential, ProxyPolicy, load_chain, validate_chain

pytestmark = pytest.mark.peer

APACHE = shutil.which("apache2", path="/usr/sbin:/usr/bin")
MODULES = Path("/usr/lib/apache2/modules")
PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "apache-front.md"
SECRET = "0123456789abcdef0123456789abcdef"

if APACHE is None or not (MODULES / "mod_gridsite.so").exists():
    pytest.skip("Apache with mod_gridsite is not installed (Debian: apache2 gridsite)", allow_module_level=True)

BASICS = """
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {home}/apache.pid
ErrorLog {home}/error.log
Mutex file:{home} default
User {user}
Group {user}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """Outside pytest's own directories: Apache's workers are another user."""
    path = Path(tempfile.mkdtemp(prefix="hansa-apache-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def grid() -> Grid:
    return Grid(now=datetime.now(UTC))


def documented(**values: object) -> str:
    """The configuration that the how-to shows, with its example values exchanged."""
    text = PAGE.read_text()
    found = re.search(r"```apache\n(.*?)```", text, re.DOTALL)
    assert found
    config = found[1]
    for old, new in values.items():
        shown = {
            "port": "8787",
            "certificates": "/etc/grid-security/certificates",
            "hostcert": "/etc/grid-security/hostcert.pem",
            "hostkey": "/etc/grid-security/hostkey.pem",
            "secret": "CHANGE-ME",
            "modules": "/usr/lib/apache2/modules",
            "backend": "unix:/run/hansa/site.sock|http://localhost",
        }[old]
        assert shown in config, f"the how-to no longer shows {shown}"
        config = config.replace(shown, str(new))
    return config


@asynccontextmanager
async def apache(grid: Grid, home: Path, backend: str) -> AsyncIterator[int]:
    """Apache running in front of `backend`; gives its port."""
    grid.write(home)
    port = free_port()
    config = BASICS.format(port=port, home=home, user="www-data", modules=MODULES) + documented(
        port=port,
        certificates=home / "certificates",
        hostcert=home / "hostcert.pem",
        hostkey=home / "hostkey.pem",
        secret=SECRET,
        modules=MODULES,
        backend=backend,
    )
    (home / "apache.conf").write_text(config)
    arguments = ["-d", home, "-f", home / "apache.conf", "-DFOREGROUND"]
    server = await asyncio.create_subprocess_exec(str(APACHE), *arguments, stdout=DEVNULL, stderr=DEVNULL)
    try:
        async with asyncio.timeout(20):
            while not await _listens(port):
                assert server.returncode is None, (home / "error.log").read_text()
                await asyncio.sleep(0.1)
        yield port
    finally:
        server.terminate()
        await asyncio.wait_for(server.wait(), 20)


async def _listens(port: int) -> bool:
    try:
        async with await Wire.to(port):
            return True
    except OSError:
        return False


async def through_apache(grid: Grid, home: Path, client: ssl.SSLContext, *headers: str, tcp: bool = False) -> Answer:
    if tcp:
        front = TrustedFront((ip_network("127.0.0.0/8"),), SECRET)
        listener = Listener("front", front=front)
    else:
        listener = Listener("front", unix=home / "front.sock", unix_mode=0o666, front=TrustedFront(secret=SECRET))
    async with running(echo, [listener]) as server:
        backend = f"http://127.0.0.1:{server.port('front')}" if tcp else f"unix:{home / 'front.sock'}|http://localhost"
        async with apache(grid, home, backend) as port, await Wire.to(port, client) as wire:
            return await wire.get("/compute/", *headers)


def shown(tmp_path: Path, credential: Credential) -> ssl.SSLContext:
    return client_context(write_credential(tmp_path / "credential.pem", credential))


@pytest.mark.parametrize("tcp", [False, True])
async def test_the_chain_of_a_proxy_passes_and_validates(grid, home, tmp_path, tcp):
    proxy = grid.proxy(grid.proxy(grid.user()))
    answer = await through_apache(grid, home, shown(tmp_path, proxy), tcp=tcp)
    seen = json.loads(answer.body)
    identity = validate_chain(load_chain(seen["chain"]), grid.trust(), now=grid.now)
    assert identity.subject == grid.name("Alice Example")
    assert identity.depth == 2
    assert seen["scheme"] == "https"
    assert seen["path"] == "/compute/"


async def test_a_limited_proxy_stays_limited(grid, home, tmp_path):
    proxy = grid.proxy(grid.user(), policy=ProxyPolicy.LIMITED)
    chain = json.loads((await through_apache(grid, home, shown(tmp_path, proxy))).body)["chain"]
    assert validate_chain(load_chain(chain), grid.trust(), now=grid.now).limited


async def test_no_certificate_is_an_empty_chain(grid, home):
    assert json.loads((await through_apache(grid, home, client_context())).body)["chain"] == []


@pytest.mark.parametrize(
    "header", ["SSL_CLIENT_CERT: x", "SSL_CLIENT_CERT_CHAIN_0: x", "X-Hansa-Front-Secret: x", "GRST_CRED_0: x"]
)
async def test_what_a_client_writes_into_the_fronts_headers_is_lost(grid, home, tmp_path, header):
    proxy = grid.proxy(grid.user())
    seen = json.loads((await through_apache(grid, home, shown(tmp_path, proxy), header)).body)
    assert validate_chain(load_chain(seen["chain"]), grid.trust(), now=grid.now).depth == 1
    assert "x" not in [value for _, value in seen["headers"]]


async def test_another_spelling_of_the_fronts_headers_is_refused(grid, home, tmp_path):
    """Apache overwrites the spelling it knows and passes the others on."""
    answer = await through_apache(grid, home, shown(tmp_path, grid.proxy(grid.user())), "Ssl-Client-Cert: x")
    assert answer.status == 403
