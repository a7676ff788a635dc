"""`hansa site serve` as a process: it starts from a file, answers, and ends in order when told to."""

import asyncio
import json
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.pki import Grid
from tests.support.site import POLICY, free_port

from hansa.base.errors import HansaError
from hansa.client.http import Http, tls_context

CONFIG = """\
[site]
public_url = "https://localhost:{port}"
[[listeners]]
name = "public"
port = {port}
tls = {{ certificate = "hostcert.pem", key = "hostkey.pem" }}
[database]
url = "sqlite:///{directory}/site.db"
[cloud]
driver = "memory"
[identity]
trust_dir = "certificates"
vomsdir = "vomsdir"
policy = "voms.json"
[telemetry]
audit = "audit.log"
"""


def write(directory: Path) -> str:
    Grid(now=datetime.now(UTC)).write(directory)
    (directory / "voms.json").write_text(json.dumps(POLICY))
    port = free_port()
    (directory / "site.toml").write_text(CONFIG.format(port=port, directory=directory))
    return f"https://localhost:{port}"


async def start(directory: Path, **environment: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hansa.cli.main", "site", "serve", "--config", str(directory / "site.toml")),
        env={**os.environ, "PYTHONPATH": "src", **environment},
        stderr=asyncio.subprocess.PIPE,
    )


def status(url: str, directory: Path, path: str) -> int:
    try:
        with Http(url, tls=tls_context(certificates=directory / "certificates"), timeout=5) as http:
            return http.request("GET", path).status
    except HansaError:
        return 0


async def test_it_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    url = write(tmp_path)
    site = await start(tmp_path)
    try:
        async with asyncio.timeout(60):
            while await asyncio.to_thread(status, url, tmp_path, "/readyz") != 200:
                assert site.returncode is None, (await site.communicate())[1]
                await asyncio.sleep(0.2)
        assert await asyncio.to_thread(status, url, tmp_path, "/compute/") == 401
    finally:
        site.send_signal(signal.SIGTERM)
        _, log = await asyncio.wait_for(site.communicate(), 30)
    assert site.returncode == 0, log
    lines = [json.loads(line) for line in log.splitlines()]
    assert "serving.stopping" in {line["event"] for line in lines}
    assert not [line for line in lines if line["level"] in ("error", "warning")]
    assert json.loads((tmp_path / "audit.log").read_text())["reason"] == "identity.no_credential"


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("HANSA_IDENTITY__VOMSDIR", "absent", "absent cannot be read"),
        ("HANSA_DATABASE__URL", "mysql://x", "database URL"),
        ("HANSA_SITE__PUBLIC_URL", "nowhere", "site.public_url"),
    ],
)
async def test_what_is_wrong_in_the_configuration_is_told_and_nothing_serves(
    tmp_path: Path, variable: str, value: str, told: str
) -> None:
    write(tmp_path)
    site = await start(tmp_path, **{variable: value})
    _, log = await asyncio.wait_for(site.communicate(), 60)
    assert site.returncode not in (0, None)
    assert told in log.decode()
    assert "Traceback" not in log.decode()
