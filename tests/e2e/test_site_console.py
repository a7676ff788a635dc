"""The native interface to a machine's serial console."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.support.pki import Grid
from tests.support.site import RunningSite, running_site

CREATE = b'Category: compute; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="kind"\n'


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[RunningSite]:
    async with running_site(tmp_path, Grid(now=datetime.now(UTC))) as running:
        yield running


async def console(site: RunningSite, query: str = "") -> str:
    """The address of a new machine's console."""
    member = site.grid.voms_proxy(site.grid.user())
    made = await site.request("POST", "/compute/", member, headers={"Content-Type": "text/plain"}, body=CREATE)
    ident = urlsplit(made.header("Location") or "").path.rpartition("/")[2]
    return f"/hansa/v1/servers/{ident}/console{query}"


async def test_the_owner_reads_it_as_text_that_no_browser_runs(site: RunningSite) -> None:
    reply = await site.request("GET", await console(site), site.grid.voms_proxy(site.grid.user()))
    assert (reply.status, reply.media_type) == (200, "text/plain")
    assert reply.header("X-Content-Type-Options") == "nosniff"


async def test_nobody_reads_it_without_a_credential(site: RunningSite) -> None:
    reply = await site.request("GET", await console(site))
    assert reply.status == 401
    assert json.loads(reply.body)["code"] == "unauthenticated"


async def test_a_machine_that_is_not_there_has_none(site: RunningSite) -> None:
    member = site.grid.voms_proxy(site.grid.user())
    reply = await site.request("GET", "/hansa/v1/servers/none/console", member)
    assert (reply.status, json.loads(reply.body)["code"]) == (404, "not_found")


@pytest.mark.parametrize("wanted", ["0", "-1", "x", "1048577", "99999999999"])
async def test_how_much_is_bounded(site: RunningSite, wanted: str) -> None:
    member = site.grid.voms_proxy(site.grid.user())
    reply = await site.request("GET", await console(site, f"?tail_bytes={wanted}"), member)
    assert (reply.status, json.loads(reply.body)["field"]) == (400, "tail_bytes")
