"""OpenStack's own programs (`openstack`, Keystone, Tempest, …), in an environment of their own; skips where that is not.

`make peers` installs them, and `make .venv-openstack/.ready` installs them alone.
"""

import asyncio
import json
import os
import pty
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
        typed: bool = False,
        seconds: float = _SECONDS,
    ) -> str:
        """What the program wrote to its standard output. Raises Failed with both outputs if it did not end well.

        `typed`: `given` comes from a terminal, as passwords do.
        """
        terminal = pty.openpty() if typed else ()
        process = await asyncio.create_subprocess_exec(
            self.program(name),
            *arguments,
            stdin=terminal[1] if terminal else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # away from the terminal of whoever runs the tests
            env={"PATH": f"{self.directory}:{os.defpath}", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"}
            | dict(environment or {}),
            cwd=cwd,
        )
        try:
            if terminal:
                out, err = await asyncio.wait_for(_dialogue(process, terminal[0], given), seconds)
            else:
                out, err = await asyncio.wait_for(process.communicate(given.encode()), seconds)
        finally:
            for end in terminal:
                os.close(end)
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            raise Failed(f"{name} {' '.join(arguments)}: {process.returncode}\n{out.decode()}\n{err.decode()}")
        return out.decode()


async def _dialogue(process: asyncio.subprocess.Process, terminal: int, given: str) -> tuple[bytes, bytes]:
    """Both outputs of a program that asks: each line of `given` answers one question, which ends with a colon.

    What is typed before the question is thrown away, as by any program that asks for a password.
    """
    assert process.stdout is not None
    assert process.stderr is not None
    out, asked, lines = asyncio.ensure_future(process.stdout.read()), b"", given.splitlines(keepends=True)
    while heard := await process.stderr.read(1024):
        asked += heard
        if lines and asked.rstrip().endswith(b":"):
            await asyncio.sleep(0.2)  # the echo is turned off after the question is written
            os.write(terminal, lines.pop(0).encode())
    await process.wait()
    return await out, asked


@dataclass(frozen=True)
class Client:
    """`openstack` for somebody: `settings` are its environment variables without `OS_`, such as `USERNAME`."""

    originals: Originals
    settings: Mapping[str, str] = field(repr=False)

    async def __call__(self, *arguments: str, given: str = "", typed: bool = False) -> str:
        """One command; `given` is what it reads from its standard input, or from the terminal if it is `typed`."""
        environment = {f"OS_{name}": value for name, value in self.settings.items()}
        return await self.originals.run("openstack", *arguments, environment=environment, given=given, typed=typed)

    async def json(self, *arguments: str, given: str = "", typed: bool = False) -> Any:
        """What a command that shows something answers, with its `-f json`."""
        return json.loads(await self(*arguments, "-f", "json", given=given, typed=typed))

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
