"""`hansa federation site` and `hansa vo export`: the register and the exports from the command line."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.support.feed_wire import feed_files
from tests.support.memberfeed import private_key_pem
from tests.support.pki import Grid, split_credential, write_files, write_secret

from hansa.cli.federation_site import site
from hansa.cli.vo import vo_group
from hansa.standards.jwt import Key, KeySet
from hansa.standards.memberfeed import parse_entry


class Commands:
    def __init__(self, grid: Grid, home: Path) -> None:
        self.grid, self.home = grid, home
        self.config, _ = feed_files(grid, home)
        write_files(home, {"alice.pem": split_credential(grid.user())[0]})
        self.vo("create", grid.vo)
        self.vo("member", "add", grid.vo, str(home / "alice.pem"), "--email", "alice@example.org")

    def vo(self, *words: str) -> Result:
        return CliRunner().invoke(vo_group, ["--config", str(self.config), *words], catch_exceptions=False)

    def site(self, *words: str) -> Result:
        return CliRunner().invoke(site, ["--config", str(self.config), *words], catch_exceptions=False)


@pytest.fixture
def commands(tmp_path: Path) -> Commands:
    return Commands(Grid(), tmp_path / "federation")


def test_a_site_is_registered_listed_changed_and_removed(commands: Commands) -> None:
    host, vo = str(commands.home / "hostcert.pem"), commands.grid.vo
    added = commands.site("add", "SITE-A", "--vo", vo, "--certificate", host, "-o", "json")
    row = json.loads(added.stdout)
    assert (row["name"], row["vos"], row["state"], row["way"]) == ("SITE-A", [vo], "never seen", "poll")
    assert row["subject"].endswith("/CN=localhost")
    commands.vo("create", "other")
    assert json.loads(commands.site("set-vos", "SITE-A", "--vo", "other", "-o", "json").stdout)["vos"] == ["other"]
    write_secret(commands.home / "site.pem", private_key_pem())
    commands.site("add", "SITE-B", "--vo", vo, "--key", str(commands.home / "site.pem"))
    (commands.home / "public.jwk").write_text(json.dumps(Key.from_pem(private_key_pem()).jwk()))
    commands.site("add", "SITE-C", "--vo", vo, "--key", str(commands.home / "public.jwk"))
    commands.site("add", "SITE-D", "--vo", vo, "--push", "https://cloud.example.org/hansa/v1/accounts/feed")
    rows = json.loads(commands.site("list", "-o", "json").stdout)["items"]
    assert [(row["name"], row["has_key"], row["way"]) for row in rows] == [
        ("SITE-A", False, "poll"),
        ("SITE-B", True, "poll"),
        ("SITE-C", True, "poll"),
        ("SITE-D", False, "push"),
    ]
    assert "SITE-D" in commands.site("list").stdout
    commands.site("remove", "SITE-A")
    assert "SITE-A" not in commands.site("list").stdout


def test_the_keys_for_sites_are_public(commands: Commands) -> None:
    text = commands.site("keys").stdout
    assert len(KeySet.parse(text.encode()).keys) == 1
    assert '"d"' not in text


def test_members_are_exported(commands: Commands) -> None:
    vo = commands.grid.vo
    (line,) = commands.vo("export", vo).stdout_bytes.splitlines()
    assert parse_entry(line).vo == vo
    assert b"\x1ealice@example.org\x1e\n" in commands.vo("export", vo, "--format", "perun").stdout_bytes
    mapped = commands.vo("export", vo, "--format", "grid-mapfile", "--account", f"{vo}=pool").stdout
    assert mapped.endswith('/CN=Alice Example" pool\n')
    assert "<email>alice@example.org</email>" in commands.vo("export", vo, "--format", "voms-xml").stdout
    assert json.loads(commands.vo("export", vo, "--format", "scim").stdout)["totalResults"] == 1
