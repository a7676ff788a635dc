"""`hansa config` loads only when asked, and refuses what is no component."""

import pytest

from hansa.cli.main import main


def test_an_unknown_component_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hansa", "config", "check", "portal", "x.toml"]) == 2
    assert "'federation', 'site'" in capsys.readouterr().err
