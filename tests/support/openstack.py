"""OpenStack's own programs (`openstack`, Keystone, Tempest, …), in an environment of their own; skips where that is not.

`make peers` installs them, and `make .venv-openstack/.ready` installs them alone.
"""

import asyncio
import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

_ROOT = Path(__file__).parents[2]
_SECONDS = 120


class Failed(AssertionError):
    """A program ended with an error; the text is what it said."""


@dataclass(frozen=True)
class Originals:
    """The environment's `bin` directory."""

    directory: Path

    def program(self, name: str) -> str:
        return str(self.directory / name)

    @property
    def python(self) -> str:
        return self.program("python")

    async def run(
        self,
        name: str,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        given: str = "",
        seconds: float = _SECONDS,
    ) -> str:
        """What the program wrote to its standard output. Raises Failed with both outputs if it did not end well."""
        process = await asyncio.create_subprocess_exec(
            self.program(name),
            *arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"PATH": f"{self.directory}:{os.defpath}", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"}
            | dict(environment or {}),
            cwd=cwd,
        )
        try:
            out, err = await asyncio.wait_for(process.communicate(given.encode()), seconds)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            raise Failed(f"{name} {' '.join(arguments)}: {process.returncode}\n{out.decode()}\n{err.decode()}")
        return out.decode()


@dataclass(frozen=True)
class Client:
    """`openstack` for somebody: `settings` are its environment variables without `OS_`, such as `USERNAME`."""

    originals: Originals
    settings: Mapping[str, str] = field(repr=False)

    async def __call__(self, *arguments: str, given: str = "") -> str:
        """One command; `given` is what it reads from its standard input."""
        environment = {f"OS_{name}": value for name, value in self.settings.items()}
        return await self.originals.run("openstack", *arguments, environment=environment, given=given)

    async def json(self, *arguments: str) -> Any:
        """What a command that shows something answers, with its `-f json`."""
        return json.loads(await self(*arguments, "-f", "json"))

    def but(self, **settings: str | None) -> "Client":
        """Somebody else, or with other settings; None removes one."""
        merged = {**self.settings, **settings}
        return Client(self.originals, {name: value for name, value in merged.items() if value is not None})


def openstack() -> Originals:
    """Skips where they are not installed."""
    given = os.environ.get("HANSA_OPENSTACK")
    directory = (_ROOT / given if given else _ROOT / ".venv-openstack") / "bin"
    if not (directory / "openstack").exists():
        pytest.skip(
            f"OpenStack's programs are not in {directory}: run `make peers`, or set HANSA_OPENSTACK to where they are"
        )
    return Originals(directory)


def by_password(
    originals: Originals, url: str, anchors: Path, user: str, password: str, project: str | None = None
) -> Client:
    """Somebody of the default domain at the Keystone of that root; `anchors` is a file of CA certificates."""
    settings = {
        "AUTH_URL": f"{url}/v3",
        "CACERT": str(anchors),
        "USERNAME": user,
        "PASSWORD": password,
        "USER_DOMAIN_NAME": "Default",
        "PROJECT_DOMAIN_NAME": "Default",
        "IDENTITY_API_VERSION": "3",
    }
    return Client(originals, settings | ({"PROJECT_NAME": project} if project else {}))
