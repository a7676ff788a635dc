"""`hansa site bootstrap`: the first administrator of a site's Keystone, and what it refuses to do."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hansa.cli.site import site

CONFIG = """
[site]
public_url = "https://cloud.example.org:8787"
[[listeners]]
name = "occi"
port = 8787
[cloud]
driver = "memory"
[database]
url = "sqlite:///{directory}/site.db"
[identity]
trust_dir = ""
tokens.keys = "token-keys"
[keystone]
public_url = "https://cloud.example.org:5000"
region = "RegionOne"
[[keystone.listeners]]
name = "keystone"
port = 5000
"""
OWN = "https://cloud.example.org:5000/v3/"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "site.toml"
    path.write_text(CONFIG.format(directory=tmp_path))
    return path


def bootstrap(config: Path, *arguments: str, given: str = "", **environment: str) -> Result:
    return CliRunner().invoke(site, ["bootstrap", "--config", str(config), *arguments], given, environment)


def test_the_password_is_asked_for_twice_and_never_shown(config: Path) -> None:
    result = bootstrap(config, given="correct horse\ncorrect horse\n")
    assert result.exit_code == 0, result.output
    assert "correct horse" not in result.output
    assert "admin" in result.output


def test_it_takes_keystones_options_and_environment(config: Path) -> None:
    urls = [f"--bootstrap-{interface}-url={OWN}" for interface in ("admin", "internal", "public")]
    result = bootstrap(
        config,
        *urls,
        "--bootstrap-region-id=RegionOne",
        "--bootstrap-username=root",
        OS_BOOTSTRAP_PASSWORD="correct horse",
    )
    assert result.exit_code == 0, result.output
    assert "root" in result.output


@pytest.mark.parametrize(
    ("argument", "key"),
    [
        ("--bootstrap-public-url=http://controller:5000/v3/", "keystone.public_url"),
        ("--bootstrap-region-id=RegionTwo", "keystone.region"),
        ("--bootstrap-service-name=other", "keystone"),
    ],
)
def test_what_the_configuration_says_otherwise_is_refused(config: Path, argument: str, key: str) -> None:
    result = bootstrap(config, argument, "--bootstrap-password=correct horse")
    assert result.exit_code != 0
    assert key in str(result.exception) + result.output


def test_there_is_no_default_password(config: Path) -> None:
    result = bootstrap(config, given="\n\n")
    assert result.exit_code != 0
