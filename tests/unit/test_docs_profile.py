"""docs/reference/profile.md says what the profile and the exit codes are."""

import re
import tomllib
from dataclasses import fields
from pathlib import Path

from hansa.cli.errors import ExitCode
from hansa.cli.output import FORMATS
from hansa.client.profile import Defaults, Federation, Paths, Site, load_profile

PAGE = (Path(__file__).parents[2] / "docs/reference/profile.md").read_text()


def example() -> str:
    match = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert match
    return match[1]


def test_the_example_is_a_profile_with_every_key(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(example())
    profile = load_profile(path, {})
    assert [site.name for site in profile.sites] == ["LYRA"]
    document = tomllib.loads(example())
    assert set(document["paths"]) == {field.name for field in fields(Paths)}
    assert set(document["defaults"]) == {field.name for field in fields(Defaults)}
    assert set(document["federation"]) == {field.name for field in fields(Federation)}
    assert set(document["site"][0]) == {field.name for field in fields(Site)}


def test_every_exit_code_is_documented() -> None:
    assert re.findall(r"^\| (\d) \| `(\w+)` \|", PAGE, re.MULTILINE) == [(str(int(c)), c.name) for c in ExitCode]


def test_every_format_is_documented() -> None:
    assert all(name in PAGE for name in FORMATS)
