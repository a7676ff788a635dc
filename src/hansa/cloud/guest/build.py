"""From packages to a bootable qcow2: the one command behind `hansa image build`."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from hansa.base.errors import BackendDown
from hansa.cloud.guest import disks, modules, packages
from hansa.cloud.guest.packages import Unpacked
from hansa.cloud.guest.recipe import (
    BOOT_MODULES,
    EPOCH,
    KERNEL_ARGUMENTS,
    MODULES,
    PROGRAMS,
    SETUID,
    STDLIB_EXTRA,
)
from hansa.cloud.guest.tree import Tree, cpio, put_all, put_directory, put_file, put_link

_SYSLINUX_CONFIGURATION = f"""SERIAL 0 115200
PROMPT 0
TIMEOUT 0
DEFAULT hansa
LABEL hansa
 KERNEL vmlinuz
 INITRD initrd.img
 APPEND {KERNEL_ARGUMENTS}
"""
_MERGED = {"bin": "usr/bin", "sbin": "usr/bin", "usr/sbin": "bin", "lib": "usr/lib", "lib64": "usr/lib64"}
_DIRECTORIES = {
    **dict.fromkeys(("dev", "home", "mnt", "proc", "run", "sys", "var/lib/cloud", "var/log"), 0o755),
    "usr/lib/python3.11/lib-dynload": 0o755,  # Python looks for it to find its prefix
    "etc/sudoers.d": 0o750,
    "root": 0o700,
    "tmp": 0o1777,
}
_PRIVATE = {"etc/shadow": 0o600, "etc/sudoers": 0o440}
_LIBRARIES = "usr/lib/x86_64-linux-gnu"


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """`sha256` is of the qcow2 file; `packages` names the package files it was made from, with their versions."""

    path: Path
    sha256: str
    size_bytes: int
    packages: tuple[str, ...]


def build_image(
    target: Path, cache: Path, *, refresh: bool = False, progress: Callable[[str], None] = lambda _: None
) -> BuiltImage:
    """Make the guest image at `target` (qcow2), keeping the packages in `cache`.

    Offline when `cache` holds them all. Raises BackendDown with a sentence that says what is missing on this machine.
    """
    if shutil.which("qemu-img") is None:
        raise BackendDown("qemu-img is not on this machine; install the package qemu-utils")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="hansa-guest-") as temporary:
        work = Path(temporary)
        progress("fetching the packages")
        fetched = packages.fetch(cache.absolute(), refresh=refresh)
        progress("unpacking")
        unpacked = packages.unpack(fetched, work / "packages")
        progress("writing the disk")
        partial = target.with_name(f".{target.name}.part")
        _build(unpacked, work, partial)
        partial.replace(target)
    content = target.read_bytes()
    names = tuple(sorted(file.name for file in fetched.values()))
    return BuiltImage(target, hashlib.sha256(content).hexdigest(), len(content), names)


def ensure_image(directory: Path, *, progress: Callable[[str], None] = lambda _: None) -> Path:
    """`DIRECTORY/guest.qcow2`, made (again) only if it is not there or the recipe has changed; packages beside it."""
    image, mark = directory / "guest.qcow2", directory / "guest.recipe"
    digest = recipe_digest()
    if not image.exists() or not mark.exists() or mark.read_text() != digest:
        build_image(image, directory / "packages", progress=progress)
        mark.write_text(digest)
    return image


def recipe_digest() -> str:
    """Changes when anything of ours that goes into the image changes: the recipe, our files, the agent, this builder."""
    with as_file(files(__package__)) as here:
        ours = sorted(path for path in here.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        content = b"".join(f"{path.relative_to(here)}\0".encode() + path.read_bytes() for path in ours)
    return hashlib.sha256(content).hexdigest()


def _build(unpacked: Unpacked, work: Path, target: Path) -> None:
    tools = disks.Tools(unpacked, work / "tools")
    boot, root, raw = work / "boot.img", work / "root.img", work / "disk.raw"
    for scratch in ("files", "boot"):
        (work / scratch).mkdir()
    disks.write_ext4(tools, root_tree(unpacked, work), root, work / "files")
    boot_files = {
        "vmlinuz": unpacked.path(unpacked.kernel, f"boot/vmlinuz-{_kernel_version(unpacked)}").read_bytes(),
        "initrd.img": cpio(initramfs_tree(unpacked), int(EPOCH.timestamp())),
        "syslinux.cfg": _SYSLINUX_CONFIGURATION.encode(),
    }
    disks.write_boot_partition(tools, boot_files, boot, work / "boot")
    disks.write_disk(boot, root, unpacked.path("syslinux-common", "usr/lib/syslinux/mbr/mbr.bin").read_bytes(), raw)
    convert = ["qemu-img", "convert", "-c", "-O", "qcow2", "-o", "compat=1.1", str(raw), str(target)]
    done = subprocess.run(convert, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BackendDown(f"qemu-img could not write {target}: {done.stderr.strip()}")


def initramfs_tree(unpacked: Unpacked) -> Tree:
    """What finds the root disk: busybox, the storage drivers, one script."""
    tree: Tree = {}
    for name in ("dev", "proc", "root", "sys"):
        put_directory(tree, name)
    put_file(tree, "bin/busybox", unpacked.path(*PROGRAMS["usr/bin/busybox"]).read_bytes(), mode=0o755)
    put_file(tree, "init", _our_file("initramfs/init"), mode=0o755)
    _put_modules(tree, "lib/modules", unpacked, BOOT_MODULES)
    return tree


def root_tree(unpacked: Unpacked, work: Path) -> Tree:
    """The guest's whole file system."""
    tree: Tree = {}
    for link, place in _MERGED.items():
        put_link(tree, link, place)
    for name, mode in _DIRECTORIES.items():
        put_directory(tree, name, mode=mode)
    _put_programs(tree, unpacked)
    _put_python(tree, unpacked, work)
    _put_modules(tree, "usr/lib/modules", unpacked, MODULES)
    with as_file(files(__package__) / "files" / "root") as ours:
        put_all(tree, ours)
    for name, mode in _PRIVATE.items():
        put_file(tree, name, tree[name].content, mode=mode)
    return tree


def _put_programs(tree: Tree, unpacked: Unpacked) -> None:
    for place, (package, path) in PROGRAMS.items():
        source = unpacked.path(package, path)
        put_file(tree, place, source.read_bytes(), mode=0o4755 if place in SETUID else 0o755)
        if package != "busybox-static":
            _put_libraries(tree, unpacked, source)
    busybox = str(unpacked.path(*PROGRAMS["usr/bin/busybox"]))
    applets = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
    for applet in applets:
        if f"usr/bin/{applet}" not in tree:
            put_link(tree, f"usr/bin/{applet}", "busybox")


def _put_libraries(tree: Tree, unpacked: Unpacked, program: Path) -> None:
    """What the dynamic loader says the program needs, under the names it needs them by."""
    listing = subprocess.run([*unpacked.loader(), "--list", str(program)], capture_output=True, text=True, check=False)
    for line in listing.stdout.splitlines():
        name, arrow, rest = line.strip().partition(" => ")
        if not arrow:
            continue
        found = rest.split(" (")[0]
        if found == "not found":
            raise BackendDown(
                f"the library {name} is in none of the guest's packages; the recipe must name its package"
            )
        if name.startswith("/"):  # the loader itself
            put_file(tree, "usr/lib64/ld-linux-x86-64.so.2", Path(found).read_bytes(), mode=0o755)
        else:
            put_file(tree, f"{_LIBRARIES}/{name}", Path(found).read_bytes(), mode=0o755)


def _put_python(tree: Tree, unpacked: Unpacked, work: Path) -> None:
    """Python's modules and the agent, compiled by the guest's own interpreter: no source is read at boot."""
    library = work / "python"
    minimal = unpacked.path("libpython3.11-minimal", "usr/lib/python3.11")
    shutil.copytree(minimal, library, ignore=shutil.ignore_patterns("lib-dynload", "sitecustomize.py", "*.txt"))
    for name in STDLIB_EXTRA:
        _copy_sources(unpacked.path("libpython3.11-stdlib", f"usr/lib/python3.11/{name}"), library / name)
    _copy_sources(unpacked.path("python3-yaml", "usr/lib/python3/dist-packages/yaml"), library / "yaml")
    with as_file(files(__package__) / "agent") as agent:
        _copy_sources(agent, library / "hansa_agent")
    for compiled in _compile(unpacked, library):
        put_file(tree, f"usr/lib/python3.11/{compiled.relative_to(library)}", compiled.read_bytes())


def _copy_sources(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(
            source, target, ignore=lambda _, names: {n for n in names if n == "__pycache__"}, dirs_exist_ok=True
        )
    elif source.exists() and not target.exists():
        shutil.copyfile(source, target)


def _compile(unpacked: Unpacked, library: Path) -> list[Path]:
    """Compile every module in place of its source. The recorded file names are the guest's; the cache holds no times."""
    interpreter = [*unpacked.loader(), str(unpacked.path("python3.11-minimal", "usr/bin/python3.11"))]
    script = (
        "import pathlib, py_compile, sys\n"
        "root = pathlib.Path(sys.argv[1])\n"
        "for path in sorted(root.rglob('*.py')):\n"
        "    inside = '/usr/lib/python3.11/' + path.relative_to(root).as_posix()\n"
        "    py_compile.compile(str(path), str(path) + 'c', inside, True, 2,\n"
        "                       invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)\n"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": str(library), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [*interpreter, "-S", "-c", script, str(library)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BackendDown(f"the guest's Python could not compile its modules: {done.stderr.strip()[-300:]}")
    return sorted(library.rglob("*.pyc"))


def _put_modules(tree: Tree, place: str, unpacked: Unpacked, wanted: tuple[str, ...]) -> None:
    version = _kernel_version(unpacked)
    source = unpacked.path(unpacked.kernel, f"lib/modules/{version}")
    found = modules.closure(source, wanted)
    for module in found.values():
        put_file(tree, f"{place}/{version}/{module.path}", module.content)
    put_file(tree, f"{place}/{version}/modules.dep", modules.modules_dep(found).encode())
    put_file(tree, f"{place}/{version}/modules.alias", modules.modules_alias(found).encode())


def _kernel_version(unpacked: Unpacked) -> str:
    return unpacked.kernel.removeprefix("linux-image-")


def _our_file(name: str) -> bytes:
    return (files(__package__) / "files" / name).read_bytes()
