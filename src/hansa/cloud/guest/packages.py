"""Debian packages: fetched with the machine's own apt (which verifies them), kept, and unpacked side by side."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hansa.base.errors import BackendDown
from hansa.cloud.guest.recipe import GUEST_PACKAGES, KERNEL_META_PACKAGE, TOOL_PACKAGES

_LIBRARY_DIRECTORIES = ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "usr/libexec/sudo")


@dataclass(frozen=True, slots=True)
class Unpacked:
    """Each package in a directory of its own below `root`; `kernel` is the versioned kernel package."""

    root: Path
    kernel: str
    files: Mapping[str, str]  # package name -> file name, which bears the version

    def path(self, package: str, path: str) -> Path:
        return self.root / package / path

    def loader(self) -> list[str]:
        """The start of a command line that runs an unpacked program with the unpacked libraries only."""
        directories = [self.root / name / below for name in sorted(self.files) for below in _LIBRARY_DIRECTORIES]
        loader = self.path("libc6", "lib/x86_64-linux-gnu/ld-linux-x86-64.so.2")
        return [str(loader), "--library-path", ":".join(str(found) for found in directories if found.is_dir())]


def fetch(cache: Path, *, refresh: bool = False) -> dict[str, Path]:
    """The package files by name. Goes to the network only for what is not in `cache`, or for all with `refresh`."""
    cache.mkdir(parents=True, exist_ok=True)
    if refresh:
        for old in cache.glob("*.deb"):
            old.unlink()
    _download(cache, [KERNEL_META_PACKAGE, *GUEST_PACKAGES, *TOOL_PACKAGES])
    kernel = _kernel_package(_cached(cache, KERNEL_META_PACKAGE))
    _download(cache, [kernel])
    names = [kernel, *GUEST_PACKAGES, *TOOL_PACKAGES]
    return {name: _cached(cache, name) for name in names}


def unpack(files: Mapping[str, Path], target: Path) -> Unpacked:
    target.mkdir()
    for name, file in files.items():
        _run(["dpkg-deb", "-x", str(file), str(target / name)], "dpkg")
    kernel = next(name for name in files if name.startswith("linux-image-"))
    return Unpacked(target, kernel, {name: file.name for name, file in files.items()})


def _cached(cache: Path, package: str) -> Path:
    return max(cache.glob(f"{package}_*.deb"))


def _download(cache: Path, packages: Sequence[str]) -> None:
    missing = [name for name in packages if not any(cache.glob(f"{name}_*.deb"))]
    if not missing:
        return
    # As root apt would drop to a user who may not write here; the signature check is the same.
    command = ["apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", *missing]
    with tempfile.TemporaryDirectory(dir=cache) as fetching:  # an interrupted fetch must not look like a package
        _run(
            command,
            "apt",
            cwd=Path(fetching),
            hint=" Is this Debian 12 with up-to-date package lists (`apt-get update`)?",
        )
        for file in Path(fetching).glob("*.deb"):
            file.replace(cache / file.name)


def _kernel_package(meta: Path) -> str:
    depends = _run(["dpkg-deb", "--field", str(meta), "Depends"], "dpkg")
    found = re.search(r"linux-image-[\w.+-]+", depends)
    if not found:
        raise BackendDown(f"{meta.name} does not name a kernel package; remove it and try again")
    return found.group()


def _run(command: list[str], tool: str, *, cwd: Path | None = None, hint: str = "") -> str:
    if shutil.which(command[0]) is None:
        raise BackendDown(f"the guest image is made from Debian packages, and {command[0]} is not on this machine")
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise BackendDown(f"{tool} failed: {last[0]}.{hint}")
    return done.stdout
