"""A site over real TLS: who shows a VOMS proxy sees the use of their project, and nobody else does."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.pki import Grid
from tests.support.site import RunningSite, running_site


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[RunningSite]:
    async with running_site(tmp_path, Grid(now=datetime.now(UTC))) as running:
        yield running


async def test_a_member_sees_the_use_of_the_project(site: RunningSite) -> None:
    reply = await site.request("GET", "/hansa/v1/usage", site.grid.voms_proxy(site.grid.user()))
    assert (reply.status, json.loads(reply.body)["machines"]) == (200, [])


async def test_a_stranger_hears_which_rule_refused_him(site: RunningSite) -> None:
    for credential, status, reason in (
        (None, 401, "identity.no_credential"),
        (site.grid.user(), 403, "identity.no_vo"),
    ):
        reply = await site.request("GET", "/hansa/v1/usage", credential)
        problem = json.loads(reply.body)
        assert (reply.status, reply.media_type) == (status, "application/problem+json")
        assert problem["reason"] == reason
        assert site.audit()[-1]["reason"] == problem["reason"]


async def test_a_site_may_keep_its_rows_in_postgresql(tmp_path: Path, postgres_url: str) -> None:
    async with running_site(tmp_path, Grid(now=datetime.now(UTC)), database={"url": postgres_url}) as site:
        member = site.grid.voms_proxy(site.grid.user())
        body = b'Category: compute; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="kind"\n'
        made = await site.request("POST", "/compute/", member, headers={"Content-Type": "text/plain"}, body=body)
        assert made.status == 201
        told = await site.request("GET", "/hansa/v1/usage/events", member)
    assert [event["kind"] for event in json.loads(told.body)["events"]] == ["server.created", "server.started"]
