"""What a site answers beside its faces: health for everybody, metrics where the operator wants them, an audit log."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError
from tests.support.pki import Grid
from tests.support.site import running_site, site_config


@pytest.fixture
def grid() -> Grid:
    return Grid(now=datetime.now(UTC))


async def test_health_needs_no_credential(grid: Grid, tmp_path: Path) -> None:
    async with running_site(tmp_path, grid) as site:
        live, ready = await site.request("GET", "/healthz"), await site.request("GET", "/readyz")
    assert json.loads(live.body) == {"status": "live"}
    assert json.loads(ready.body) == {"status": "ready", "checks": {"database": "ok", "cloud": "ok"}}


@pytest.mark.parametrize("shown", [False, True])
async def test_metrics_stand_only_where_they_are_wanted(grid: Grid, tmp_path: Path, shown: bool) -> None:
    async with running_site(tmp_path, grid, telemetry={"metrics_from": ["127.0.0.0/8"] if shown else []}) as site:
        reply = await site.request("GET", "/metrics")
    assert (b"hansa_http_requests_total" in reply.body) is shown


async def test_refusals_and_request_ids_stand_in_the_audit_log(grid: Grid, tmp_path: Path) -> None:
    audit = tmp_path / "audit.log"
    async with running_site(tmp_path, grid, telemetry={"audit": audit}) as site:
        reply = await site.request("GET", "/hansa/v1/usage", grid.user())
    (line,) = [json.loads(text) for text in audit.read_text().splitlines()]
    assert (line["event"], line["reason"]) == ("identity.refused", "identity.no_vo")
    assert line["display"] == "/DC=org/DC=example/O=people/CN=Alice Example"
    assert line["request_id"] == reply.header("X-Request-Id") == json.loads(reply.body)["request_id"]


@pytest.mark.parametrize(
    "tables",
    [
        {"cloud": {"driver": "embedded"}},
        {"listeners": [{"name": "a"}, {"name": "a"}]},
        {"listeners": []},
        {"site": {"public_url": "cloud.example.org"}},
        {"site": {"public_url": "https://cloud.example.org/?x"}},
        {"cloud": {"driver": "imagined"}},
        {"images": [{"id": "../x", "name": "x", "source": "x"}]},
    ],
)
def test_a_configuration_that_cannot_work_is_refused(tmp_path: Path, tables: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        site_config(tmp_path, 1, **tables)
