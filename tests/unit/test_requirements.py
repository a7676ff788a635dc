"""The locks cover what pyproject.toml asks for, with hashes and without addresses."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def asked(name: str) -> list[str]:
    return [line for line in (ROOT / "requirements" / name).read_text().splitlines() if not line.startswith("#")]


def locked(name: str) -> dict[str, list[Version]]:
    """Names and versions; a name may have several, each for some Pythons."""
    found: dict[str, list[Version]] = {}
    for line in re.findall(r"^[A-Za-z0-9].*$", (ROOT / "requirements" / name).read_text(), re.MULTILINE):
        requirement = Requirement(line.rstrip(" \\"))
        (pin,) = requirement.specifier
        found.setdefault(canonicalize_name(requirement.name), []).append(Version(pin.version))
    return found


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("run.txt", [*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"], *asked("build.in")]),
        ("dev.txt", PROJECT["dependency-groups"]["dev"]),
        ("openstack.txt", asked("openstack.in")),
    ],
)
def test_every_requirement_is_locked_to_a_version_it_allows(lock: str, wanted: list[str]) -> None:
    versions = locked(lock)
    for text in wanted:
        requirement = Requirement(text)
        pins = versions.get(canonicalize_name(requirement.name), [])
        assert pins, f"{text} is not in {lock}: run `make lock`"
        assert all(pin in requirement.specifier for pin in pins), f"{lock} has {pins} for {text}: run `make lock`"


@pytest.mark.parametrize("lock", ["run.txt", "dev.txt", "openstack.txt"])
def test_locks_hold_hashes_and_no_addresses(lock: str) -> None:
    text = (ROOT / "requirements" / lock).read_text()
    assert "://" not in text
    assert not re.search(r"^-", text, re.MULTILINE)
    entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert all("--hash=sha256:" in entry for entry in entries)
