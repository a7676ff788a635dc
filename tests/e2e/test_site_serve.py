"""`hansa site serve` as a process: it starts from a file, answers, and ends in order when told to."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.pki import Grid
from tests.support.site_process import SiteProcess


async def test_it_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    site = SiteProcess(tmp_path, Grid(now=datetime.now(UTC)))
    await site.start()
    try:
        assert (await site.request("GET", "/compute/")).status == 401
    finally:
        log = await site.stop()
    assert site.process.returncode == 0, log
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
    site = SiteProcess(tmp_path, Grid(now=datetime.now(UTC)), environment={variable: value})
    await site.launch()
    log = await site.ended()
    assert site.process.returncode not in (0, None)
    assert told in log
    assert "Traceback" not in log
