"""`hansa usage` against two sites: tables and JSON, and the site that does not answer is named."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.support.pki import Grid, write_credential
from tests.support.site import RunningSite, running_site


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[RunningSite]:
    async with running_site(tmp_path, Grid(now=datetime.now(UTC))) as running:
        yield running


async def hansa(site: RunningSite, *arguments: str, endpoints: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    proxy = write_credential(site.directory / "x509up", site.grid.voms_proxy(site.grid.user()))
    tables = [f'[[site]]\nname = "{name}"\nendpoint = "{endpoint}"\n' for name, endpoint in endpoints.items()]
    profile = site.directory / "profile.toml"
    profile.write_text(
        f'[paths]\ncertificates = "{site.directory}/certificates"\nproxy = "{proxy}"\n' + "\n".join(tables)
    )
    command = [sys.executable, "-m", "hansa.cli.main", "--profile", str(profile), "usage", *arguments]
    environment = {"PYTHONPATH": "src", "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    return await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, check=False, env=environment, timeout=60
    )


async def test_use_is_shown_and_a_dead_site_named(site: RunningSite) -> None:
    both = {"living": site.url, "dead": "https://127.0.0.1:1"}
    done = await hansa(site, "-o", "json", endpoints=both)
    shown = json.loads(done.stdout)
    assert shown["items"] == []
    assert [error["site"] for error in shown["errors"]] == ["dead"]
    assert done.returncode == 7, done.stderr
    assert "dead: " in done.stderr


async def test_a_refusal_is_told(site: RunningSite) -> None:
    done = await hansa(site, "--all-projects", "--site", "living", endpoints={"living": site.url})
    assert done.returncode == 3
    assert 'Only the role "admin"' in done.stderr


async def test_a_machine_is_told_of_from_its_start_to_its_end(site: RunningSite) -> None:
    member = site.grid.voms_proxy(site.grid.user())
    text = {"Content-Type": "text/plain", "Accept": "text/plain"}
    body = b'Category: compute; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="kind"\n'
    made = await site.request("POST", "/compute/", member, headers=text, body=body)
    location = urlsplit(made.header("Location") or "").path
    running = await hansa(site, "-o", "json", endpoints={"living": site.url})
    (item,) = json.loads(running.stdout)["items"]
    assert (item["status"], item["vo"], item["site"]) == ("started", "fedcloud.egi.eu", "living")
    await site.request("DELETE", location, member)
    told = await hansa(site, "--events", "-o", "jsonl", endpoints={"living": site.url})
    kinds = [json.loads(line)["kind"] for line in told.stdout.splitlines()]
    assert kinds == ["server.created", "server.started", "server.deleted"]
    table = await hansa(site, endpoints={"living": site.url})
    assert "deleted" in table.stdout
