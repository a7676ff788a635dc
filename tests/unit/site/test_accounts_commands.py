"""`hansa site accounts`: what an operator sees, and decides about what is held."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.support.feed import Side, federation_side, site_side
from tests.support.memberfeed import private_key_pem
from tests.support.pki import write_secret

from hansa.cli.site_accounts import accounts
from hansa.site.accounts.model import Brake
from hansa.standards.jwt import KeySet

CONFIG = """
[site]
name = "SITE-A"
public_url = "https://localhost"
[[listeners]]
name = "web"
[cloud]
driver = "memory"
[database]
url = "sqlite:///site.db"
[identity]
trust_dir = ""
[accounts]
federation = "https://federation.example.org"
keys = "feed.jwks"
key = "site.pem"
"""


class Commands:
    def __init__(self, home: Path, side: Side) -> None:
        self.home = home
        (home / "site.toml").write_text(CONFIG)
        (home / "feed.jwks").write_text(json.dumps(KeySet((side.key.public(),)).jwks()))
        write_secret(home / "site.pem", private_key_pem())

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(accounts, ["--config", str(self.home / "site.toml"), *words], catch_exceptions=False)

    def rows(self, *words: str) -> list[dict[str, object]]:
        found: list[dict[str, object]] = json.loads(self.run(*words, "-o", "json").stdout)["items"]
        return found


async def story(home: Path) -> tuple[Commands, list[str]]:
    """Eight members, seven of whom were lost at once."""
    async with federation_side(f"sqlite:///{home / 'federation.db'}", "demo") as side:
        uids = [(await side.member(number)).person.uid for number in range(8)]
        async with site_side(side, f"sqlite:///{home / 'site.db'}", await side.site(), Brake()) as site:
            await site.follow()
            for uid in uids[:7]:
                await side.registry.remove("demo", uid)
            await site.follow()
        return Commands(home, side), uids


@pytest.fixture
def told(tmp_path: Path) -> tuple[Commands, list[str]]:
    import asyncio

    return asyncio.run(story(tmp_path))


def test_an_operator_sees_what_is_held_and_decides(told: tuple[Commands, list[str]]) -> None:
    commands, uids = told
    assert len(commands.rows("list")) == 8
    assert {row["uid"] for row in commands.rows("held")} == set(uids[:7])
    status = json.loads(commands.run("status", "-o", "json").stdout)
    assert (status["held"], status["active"], status["vos"]) == (7, 8, ["demo"])

    (released,) = commands.rows("release", uids[0])
    assert (released["standing"], released["held"]) == ("leaving", None)
    assert len(commands.rows("refuse")) == 6
    assert commands.rows("held") == []
    assert commands.rows("list", "--standing", "leaving") == [released]
    (shown,) = commands.rows("show", uids[1])
    assert (shown["standing"], shown["kept"]) == ("active", True)
    (member,) = commands.rows("show", uids[7])
    assert member["groups"] == ["/demo"]


def test_the_key_that_a_site_is_registered_with_is_public(told: tuple[Commands, list[str]]) -> None:
    commands, _ = told
    jwk = commands.run("key").stdout
    assert KeySet.parse(b'{"keys":[%s]}' % jwk.encode()).keys
    assert '"d"' not in jwk
