"""The tiny guest boots under QEMU and becomes what its user data asks for."""

import io
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import pycdlib
import pytest
from tests.support.guest import guest_image

from hansa.standards.cloudinit import CONFIG_DRIVE_LABEL, NOCLOUD_LABEL, config_drive_files, nocloud_files

pytestmark = [
    pytest.mark.qemu,
    pytest.mark.skipif(shutil.which("qemu-system-x86_64") is None, reason="qemu-system-x86_64 is not installed"),
    pytest.mark.skipif(shutil.which("ssh") is None, reason="ssh is not installed"),
]

USER_DATA = """#cloud-config
users:
  - name: cloudadm
    sudo: ALL=(ALL) NOPASSWD:ALL
    lock-passwd: true
    ssh-authorized-keys:
      - {key}
write_files:
  - path: /srv/app/config
    content: "written"
    permissions: '0640'
    owner: cloudadm:adm
runcmd:
  - echo "$(hostname) $(id -un)" > /srv/app/ran
  - [sh, -c, 'echo "$1"', x, seen-on-the-console]
"""


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path


class Guest:
    """One running machine; `console` is what it printed so far."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path, key: Path, port: int) -> None:
        self.process, self._log, self._key, self._port = process, log, key, port

    @property
    def console(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def wait_for(self, text: str) -> None:
        for _ in range(1200):
            if text in self.console:
                return
            time.sleep(0.1)
        pytest.fail(f"the guest never said {text!r}:\n{self.console}")

    def ssh(self, user: str, command: str) -> str:
        known = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes"]
        target = ["-q", *known, "-i", str(self._key), "-p", str(self._port), f"{user}@127.0.0.1", command]
        return subprocess.run(["ssh", *target], capture_output=True, text=True, check=True, timeout=60).stdout


@contextmanager
def running(directory: Path, key: Path, label: str, files: Mapping[str, bytes]) -> Iterator[Guest]:
    directory.mkdir(exist_ok=True)
    seed, disk, log = directory / "seed.iso", directory / "disk.qcow2", directory / "console"
    write_seed(seed, label, files)
    log.unlink(missing_ok=True)
    if not disk.exists():
        backing = ["-b", str(guest_image()), "-F", "qcow2"]
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *backing, str(disk), "1G"], check=True)
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    machine = ["-machine", "q35", "-accel", "tcg,tb-size=64", "-cpu", "qemu64", "-m", "128", "-nodefaults"]
    discs = ["-drive", f"file={disk},if=virtio", "-drive", f"file={seed},if=virtio,format=raw,readonly=on"]
    card = ["-netdev", f"user,id=n,hostfwd=tcp:127.0.0.1:{port}-:22", "-device", "virtio-net-pci,netdev=n,romfile="]
    ports = ["-device", "virtio-rng-pci", "-display", "none", "-serial", f"file:{log}", "-monitor", "stdio"]
    command = ["qemu-system-x86_64", *machine, *discs, *card, *ports]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        try:
            yield Guest(process, log, key, port)
        finally:
            process.kill()


def write_seed(path: Path, label: str, files: Mapping[str, bytes]) -> None:
    image = pycdlib.PyCdlib()
    image.new(interchange_level=3, joliet=3, rock_ridge="1.09", vol_ident=label)
    parents = {parent for name in files for parent in Path(name).parents if parent != Path()}
    for directory in sorted(parents):
        image.add_directory(_short(directory), rr_name=directory.name, joliet_path=f"/{directory}")
    for number, (name, content) in enumerate(files.items()):
        short = f"{_short(Path(name).parent)}/F{number}.;1"
        image.add_fp(io.BytesIO(content), len(content), short, rr_name=Path(name).name, joliet_path=f"/{name}")
    image.write(str(path))
    image.close()


def _short(directory: Path) -> str:
    return "".join(f"/D{level}" for level in range(len(directory.parts)))


def test_cloud_config_makes_users_files_and_names(tmp_path: Path, key: Path) -> None:
    public = key.with_suffix(".pub").read_text().strip()
    files = nocloud_files("i-1", "first.example.org", [public], USER_DATA.format(key=public).encode())
    with running(tmp_path / "vm", key, NOCLOUD_LABEL, files) as guest:
        guest.wait_for("finished at")
        assert "seen-on-the-console" in guest.console
        assert "-----BEGIN SSH HOST KEY KEYS-----" in guest.console
        told = guest.ssh("cloudadm", "id -un; hostname; cat /srv/app/ran; cat /srv/app/config")
        assert told.splitlines() == ["cloudadm", "first", "first root", "written"]
        assert guest.ssh("cloudadm", "sudo -n id -u").strip() == "0"
        assert guest.ssh("root", "stat -c '%a %U %G' /srv/app/config").strip() == "640 cloudadm adm"
        assert int(guest.ssh("root", "df -m / | awk 'END { print $2 }'")) > 900
        assert guest.ssh("root", "cloud-init status --wait").strip() == "status: done"
        guest.ssh("root", "rm /srv/app/ran; sync")
        assert guest.process.stdin is not None
        guest.process.stdin.write(b"system_powerdown\n")
        guest.process.stdin.flush()
        assert guest.process.wait(60) == 0
    with running(tmp_path / "vm", key, NOCLOUD_LABEL, files) as guest:
        guest.wait_for("finished at")
        assert guest.ssh("cloudadm", "ls /srv/app").strip() == "config"  # the same instance: runcmd does not run again


def test_a_cloud_config_of_nonsense_is_told_and_the_machine_stays_reachable(tmp_path: Path, key: Path) -> None:
    """A site refuses most of this; other clouds do not."""
    nonsense = (
        b"#cloud-config\nusers: 7\nwrite_files: {a: b}\nruncmd: 9\nbootcmd: {}\ngrowpart: [1]\n"
        b"hostname: [x]\nssh_authorized_keys: 5\nfinal_message: {z: 1}\n"
    )
    files = nocloud_files("i-3", "third", [key.with_suffix(".pub").read_text().strip()], nonsense)
    with running(tmp_path / "vm", key, NOCLOUD_LABEL, files) as guest:
        guest.wait_for("login:")
        told = guest.ssh("root", "cloud-init status || true; cat /run/cloud-init/result.json")
        assert told.startswith("status: error")
        for key_of_config in ("users", "write_files", "runcmd", "root disk"):
            assert f'"{key_of_config}: ' in told


def test_a_script_on_a_config_drive_runs(tmp_path: Path, key: Path) -> None:
    public = key.with_suffix(".pub").read_text().strip()
    script = b"#!/bin/sh\necho user data says $(hostname)\n"
    files = config_drive_files("i-2", "second", [public], script)
    with running(tmp_path / "vm", key, CONFIG_DRIVE_LABEL, files) as guest:
        guest.wait_for("finished at")
        assert "user data says second" in guest.console
        assert guest.ssh("root", "cat /var/log/cloud-init-output.log").strip() == "user data says second"


def test_two_builds_are_equal_bit_for_bit(tmp_path: Path) -> None:
    assert guest_image(tmp_path / "one.qcow2").read_bytes() == guest_image(tmp_path / "two.qcow2").read_bytes()
