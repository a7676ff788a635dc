"""OpenStack's Tempest against a site of ours: its configuration, its tests, and what became of them."""

import json
from dataclasses import dataclass
from pathlib import Path

from tests.support.keystone import PASSWORD, KeystoneSite
from tests.support.openstack import Originals

PACKAGE = "tempest.api.identity"
_RUNNER = Path(__file__).with_name("tempest_run.py")
_SECONDS = 570
LOCKOUT = {"lockout_failure_attempts": 2, "lockout_duration": 5, "unique_last_password_count": 2}
"""What Tempest is told of the site's rules for passwords (`[identity.passwords]`)."""


@dataclass(frozen=True)
class Outcome:
    """`outcome` is passed, failed or skipped."""

    test: str
    outcome: str
    why: str


def listed(path: Path) -> tuple[list[str], dict[str, str]]:
    """The tests that apply, and those that do not with the reasons."""
    applicable, excluded = [], {}
    for line in path.read_text().splitlines():
        if line.startswith("+ "):
            applicable.append(line[2:].strip())
        elif line.startswith("- "):
            name, _, why = line[2:].partition("#")
            excluded[name.strip()] = why.strip()
    return applicable, excluded


async def every_test(originals: Originals, directory: Path) -> list[str]:
    """Names of all that this Tempest has for identity, below `PACKAGE`."""
    (directory / "tempest.conf").write_text("[DEFAULT]\n")
    said = await originals.run("python", str(_RUNNER), "list", environment=_environment(directory))
    return sorted(_short(line) for line in said.splitlines() if line.startswith(PACKAGE))


async def run(originals: Originals, keystone: KeystoneSite, directory: Path, tests: list[str]) -> list[Outcome]:
    """One after the other, in one process; a test whose class could not be set up stands under the class."""
    (directory / "tempest.conf").write_text(_configuration(keystone, directory))
    (directory / "wanted").write_text("\n".join(tests))
    arguments = [str(_RUNNER), "run", str(directory / "wanted")]
    said = await originals.run(
        "python", *arguments, environment=_environment(directory), cwd=directory, seconds=_SECONDS
    )
    found = [json.loads(line) for line in said.splitlines() if line.startswith('{"test"')]
    return [Outcome(_short(each["test"]), each["outcome"], each["why"]) for each in found]


def _short(identifier: str) -> str:
    return identifier.removeprefix(f"{PACKAGE}.").partition("[")[0]


def _environment(directory: Path) -> dict[str, str]:
    return {"TEMPEST_CONFIG": str(directory / "tempest.conf")}


def _configuration(keystone: KeystoneSite, directory: Path) -> str:
    tables = {
        "DEFAULT": {"log_file": directory / "tempest.log", "use_stderr": False},
        "oslo_concurrency": {"lock_path": directory / "locks"},
        "auth": {
            "use_dynamic_credentials": True,
            "admin_username": "admin",
            "admin_password": PASSWORD,
            "admin_project_name": "admin",
            "admin_domain_name": "Default",
        },
        "identity": {
            "uri_v3": f"{keystone.url}/v3",
            "region": "TEST-SITE",
            "ca_certificates_file": keystone.anchors(),
            "user_lockout_failure_attempts": LOCKOUT["lockout_failure_attempts"],
            "user_lockout_duration": LOCKOUT["lockout_duration"],
            "user_unique_last_password_count": LOCKOUT["unique_last_password_count"],
        },
        "identity-feature-enabled": {"security_compliance": True},
        "service_available": dict.fromkeys(("cinder", "glance", "horizon", "neutron", "nova", "swift"), False),
    }
    return "\n".join(
        f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in table.items()) for name, table in tables.items()
    )
