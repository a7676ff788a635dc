"""`hansa config` loads only when asked, and refuses what is no component."""

from pathlib import Path

import pytest

from hansa.cli.main import main


def test_an_unknown_component_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hansa", "config", "check", "portal", "x.toml"]) == 2
    assert "'federation', 'keystone', 'site'" in capsys.readouterr().err


SITE = """\
[site]
public_url = "https://cloud.example.org:8787"
[database]
url = "sqlite:///site.db"
[[listeners]]
name = "plain"
port = 8080
[cloud]
driver = "memory"
"""


def test_a_right_file_is_said_to_be_right_with_the_origin_of_every_setting(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "site.toml"
    file.write_text(SITE)
    monkeypatch.setenv("HANSA_SITE__NAME", "HG-08")
    assert main(["hansa", "config", "check", "site", str(file), "-o", "csv"]) == 0
    told = capsys.readouterr()
    assert "site.name,HANSA_SITE__NAME\n" in told.out
    assert f"database.url,{file}\n" in told.out
    assert "is right" in told.err


def test_a_wrong_file_is_refused_with_line_and_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "site.toml"
    file.write_text(SITE.replace("public_url", "public_ulr"))
    assert main(["hansa", "config", "check", "site", str(file)]) != 0
    told = capsys.readouterr().err
    assert "line 2: site.public_ulr is no setting; perhaps you mean site.public_url." in told
    assert "Code: configuration" in told


def test_a_setting_is_explained_and_a_wrong_one_leads_to_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hansa", "config", "explain", "site", "database.url"]) == 0
    assert "HANSA_DATABASE__URL" in capsys.readouterr().out
    assert main(["hansa", "config", "explain", "site", "nonsense"]) == 4
    assert "hansa config reference site" in capsys.readouterr().err
    assert main(["hansa", "config", "reference", "federation"]) == 0
    assert "### `[database]`" in capsys.readouterr().out
