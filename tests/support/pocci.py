"""pOCCI, the conformance tester of OCCI, in the Python 2.7 it needs; skips where that cannot be had."""

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

_HERE = Path(__file__).parent
_REQUIREMENTS = _HERE.parent / "peers" / "requirements-pocci.txt"
_KEPT = _HERE.parents[1] / "var" / "pocci"
_MAIN = "import sys; from pOCCI.pOCCI import main; sys.exit(main())"
_SECONDS = 300


@dataclass(frozen=True)
class Pocci:
    """The interpreter, and where its packages are."""

    python: str
    directory: Path

    async def run(
        self, url: str, credential: str | Path, media_type: str, tests: Sequence[str] = ()
    ) -> dict[str, list[str]]:
        """By test: why it failed; empty for those that passed. Without `tests`: its default set, in its own order.

        `credential` is a user's name, or a file with a certificate chain and its key.
        """
        basic, x509 = (
            ["basic", "-u", str(credential), "-p", "x"],
            ["x509", "-c", str(credential), "-k", str(credential), "-S"],
        )
        arguments = ["-e", url, "-m", media_type, "-f", "json", "-a", *(basic if isinstance(credential, str) else x509)]
        if tests:
            arguments += ["-t", ",".join(tests)]
        environment = {"PYTHONPATH": str(self.directory), "HOME": "/nonexistent", "PATH": os.defpath}
        process = await asyncio.create_subprocess_exec(
            self.python, "-c", _MAIN, *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
        )
        try:
            out, err = await asyncio.wait_for(process.communicate(), _SECONDS)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        text = out.decode()
        assert "{" in text, text + err.decode()
        report = json.loads(text[text.index("{\n") :])
        return {
            test["name"].removeprefix("OCCI/"): [] if test["status"] == "OK" else test.get("reason", ["failed"])
            for test in report["tests"]
        }


def pocci() -> Pocci:
    """Installed once under `var/`, for these requirements."""
    python = next((found for found in _pythons() if _is_27(found)), None)
    if python is None:
        pytest.skip("pOCCI needs Python 2.7, which is not installed")
    name = hashlib.sha256(_REQUIREMENTS.read_bytes()).hexdigest()[:16]
    directory = _KEPT / name
    if not (directory / "pOCCI").is_dir():
        _install(python, directory)
    return Pocci(python, directory)


def _pythons() -> Iterable[str]:
    if found := shutil.which("python2.7"):
        yield found
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from (str(path) for path in sorted(root.glob("versions/2.7*/bin/python2.7")))


def _is_27(python: str) -> bool:
    """Version managers leave commands in the path that run nothing."""
    try:
        ran = subprocess.run(
            [python, "-c", "import sys; print(sys.version_info[:2] == (2, 7))"], capture_output=True, timeout=30
        )
    except OSError:
        return False
    return ran.stdout.strip() == b"True"


def _install(python: str, directory: Path) -> None:
    new = directory.with_name(f"{directory.name}.{os.getpid()}")
    shutil.rmtree(new, ignore_errors=True)
    new.parent.mkdir(parents=True, exist_ok=True)
    arguments = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    arguments += ["--require-hashes", "--requirement", str(_REQUIREMENTS), "--target", str(new)]
    ran = subprocess.run(arguments, capture_output=True, text=True, timeout=300)
    if ran.returncode != 0:
        shutil.rmtree(new, ignore_errors=True)
        pytest.skip(f"pOCCI cannot be installed here: {ran.stderr.strip()[-500:]}")
    new.rename(directory)
