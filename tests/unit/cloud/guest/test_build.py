"""The image's parts are written the same way every time, and what goes in is what was asked for."""

import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from hansa.base.errors import BackendDown
from hansa.cloud.guest import build_image, modules, packages
from hansa.cloud.guest.tree import Tree, cpio, put_directory, put_file, put_link, sorted_entries


def tree() -> Tree:
    found: Tree = {}
    put_file(found, "usr/bin/tool", b"#!/bin/sh\n", mode=0o4755)
    put_link(found, "bin", "usr/bin")
    put_directory(found, "tmp", mode=0o1777)
    return found


def test_parents_come_before_children() -> None:
    assert [path for path, _ in sorted_entries(tree())] == ["bin", "tmp", "usr", "usr/bin", "usr/bin/tool"]


@pytest.mark.skipif(shutil.which("cpio") is None, reason="cpio is not installed")
def test_the_initramfs_archive_is_what_cpio_reads() -> None:
    listing = subprocess.run(
        ["cpio", "-itv", "--numeric-uid-gid", "--quiet"], input=cpio(tree(), 0), capture_output=True, check=True
    )
    modes = [line.split()[0] for line in listing.stdout.decode().splitlines()]
    assert modes == ["lrwxrwxrwx", "drwxrwxrwt", "drwxr-xr-x", "drwxr-xr-x", "-rwsr-xr-x"]
    assert stat.filemode(tree()["tmp"].mode) == "drwxrwxrwt"


def module(directory: Path, name: str, depends: str, alias: str = "") -> None:
    info = f"license=GPL\0depends={depends}\0" + (f"alias={alias}\0" if alias else "")
    path = directory / "kernel" / f"{name}.ko"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"\x7fELF\0" + info.encode())


def test_modules_bring_what_they_need_and_load_from_the_end(tmp_path: Path) -> None:
    module(tmp_path, "ring", "")
    module(tmp_path, "core", "ring")
    module(tmp_path, "virtio-pci", "ring,core", "pci:v00001AF4d*")
    module(tmp_path, "unwanted", "")
    (tmp_path / "modules.builtin").write_text("kernel/fs/ext4/ext4.ko\n")
    found = modules.closure(tmp_path, ["virtio_pci", "ext4"])
    assert set(found) == {"virtio_pci", "core", "ring"}
    assert "kernel/virtio-pci.ko: kernel/core.ko kernel/ring.ko\n" in modules.modules_dep(found)
    assert modules.modules_alias(found) == "alias pci:v00001AF4d* virtio_pci\n"


def test_a_module_that_the_kernel_lacks_fails_the_build(tmp_path: Path) -> None:
    (tmp_path / "modules.builtin").write_text("")
    with pytest.raises(BackendDown, match="no module ahci"):
        modules.closure(tmp_path, ["ahci"])


def test_without_debian_tools_the_error_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BackendDown, match="apt-get is not on this machine"):
        packages.fetch(tmp_path / "cache")
    with pytest.raises(BackendDown, match="install the package qemu-utils"):
        build_image(tmp_path / "guest.qcow2", tmp_path / "cache")


def test_packages_in_the_cache_are_not_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    control = tmp_path / "meta" / "DEBIAN"
    control.mkdir(parents=True)
    (control / "control").write_text(
        f"Package: {packages.KERNEL_META_PACKAGE}\nVersion: 1\nArchitecture: all\nMaintainer: a <a@example.org>\n"
        "Description: kernel\nDepends: linux-image-6.1.0-1-cloud-amd64 (= 6.1)\n"
    )
    cache = tmp_path / "cache"
    cache.mkdir()
    meta = cache / f"{packages.KERNEL_META_PACKAGE}_1_all.deb"
    subprocess.run(
        ["dpkg-deb", "--build", "--root-owner-group", "-Znone", control.parent, meta], check=True, capture_output=True
    )
    for name in ("linux-image-6.1.0-1-cloud-amd64", *packages.GUEST_PACKAGES, *packages.TOOL_PACKAGES):
        (cache / f"{name}_1_amd64.deb").touch()
    found = packages.fetch(cache)
    assert found["linux-image-6.1.0-1-cloud-amd64"].name == "linux-image-6.1.0-1-cloud-amd64_1_amd64.deb"
    assert packages.KERNEL_META_PACKAGE not in found
