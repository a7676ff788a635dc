"""`hansa federation mail …` on a real database, as its operator types it."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.pki import Grid
from tests.support.voms import write_config

from hansa.cli.main import main


def test_an_operator_sees_what_waits_and_reads_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = str(write_config(Grid(now=datetime.now(UTC).replace(microsecond=0)), tmp_path, 15002))

    def types(*words: str) -> str:
        assert main(["hansa", "federation", "mail", "--config", config, *words]) == 0
        return capsys.readouterr().out

    types("test", "alice@example.org")
    (row,) = json.loads(types("list", "-o", "json"))["items"]
    assert (row["state"], row["recipient"], row["about"]) == ("waiting", "alice@example.org", "test")
    assert "It does." in types("show", str(row["id"]))
    assert main(["hansa", "federation", "mail", "--config", config, "retry", str(row["id"])]) == 4
    assert "no failed message" in capsys.readouterr().err
    assert main(["hansa", "federation", "mail", "--config", config, "test", "nobody"]) == 2
