"""One boot, in order. A step that fails is reported on the console and does not keep the others from running."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from . import accounts, config, disk, files, network, sources, ssh, userdata
from .sources import Instance

_DEFAULT_FINAL_MESSAGE = "cloud-init: finished at $UPTIME seconds. Datasource $DATASOURCE."


class Boot:
    """What is carried through one boot: the root directory, and what went wrong so far."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.errors: list[str] = []

    def step(self, what: str, action: Callable[[], Any]) -> Any:
        try:
            return action()
        except Exception as error:  # noqa: BLE001 - see the module's first line
            self.fail(f"{what}: {error}")
            return None

    def fail(self, message: str) -> None:
        self.errors.append(message)
        say(f"cloud-init: {message}")


def say(message: str) -> None:
    sys.stdout.write(message + "\n")
    sys.stdout.flush()


def main(root: Path = Path("/")) -> None:
    boot = Boot(root)
    host_key = ssh.begin_host_key(root)
    instance, leases = _learn(boot)
    fresh = sources.is_new(root, instance)
    content = boot.step("user data", lambda: userdata.split(instance.user_data)) or userdata.Parts()
    for problem in content.problems:
        boot.fail(problem)
    settings = config.Settings(content.config)
    boot.step("hostname", lambda: files.set_hostname(root, settings.hostname or instance.hostname))
    if fresh:
        boot.step("instance", lambda: sources.remember(root, instance))
        _identity(boot, instance, settings)
    network.wait(leases)
    boot.step("ssh", lambda: ssh.start(root, host_key, passwords=settings.password_logins))
    boot.step("root disk", partial(_grow, root, settings))
    boot.step("bootcmd", lambda: _run(boot, userdata.Script("bootcmd", settings.bootcmd)))
    if fresh:
        for script in content.scripts:
            boot.step(script.name, partial(_run, boot, script))
        boot.step("runcmd", lambda: _run(boot, userdata.Script("runcmd", settings.runcmd)))
    _finish(boot, instance, settings)


def _learn(boot: Boot) -> tuple[Instance, list[subprocess.Popen[bytes]]]:
    """What the machine is, with the network on its way up: the DHCP clients that are still asking."""
    instance = boot.step("seed disc", lambda: sources.from_disc(boot.root))
    plan = boot.step("network configuration", lambda: instance.interfaces()) if instance else None
    leases = boot.step("network", lambda: network.bring_up(plan)) or []
    if instance is None:
        network.wait(leases)
        instance = boot.step("metadata service", sources.from_metadata_service)
    return instance or Instance("none", "none", "localhost"), leases


def _identity(boot: Boot, instance: Instance, settings: config.Settings) -> None:
    """Users, keys and files: what a new instance gets once."""
    users = boot.step("users", lambda: settings.users) or []
    for user in users:
        boot.step(f"user {user.name}", partial(accounts.create, boot.root, user))
    keys = [*instance.ssh_keys, *(boot.step("ssh_authorized_keys", lambda: settings.ssh_keys) or [])]
    for name in ("root", *(user.name for user in users if user == config.DEFAULT_USER)):
        boot.step(f"ssh keys of {name}", partial(accounts.write_keys, boot.root, name, keys))
    for file in boot.step("write_files", lambda: settings.write_files) or []:
        boot.step(f"write_files {file.path}", partial(files.write, boot.root, file))


def _grow(root: Path, settings: config.Settings) -> None:
    if settings.grows:
        disk.grow(root)


def _run(boot: Boot, script: userdata.Script) -> None:
    if not script.content:
        return
    directory = boot.root / "var/lib/cloud/instance/scripts"
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / script.name
    path.write_bytes(script.content)
    path.chmod(0o700)
    code = _run_script(path, boot.root / "var/log/cloud-init-output.log")
    if code:
        raise RuntimeError(f"ended with status {code}")


def _run_script(path: Path, log: Path) -> int:
    """Output goes to the log and to the console, as it comes."""
    environment = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "USER": "root",
    }
    with (
        subprocess.Popen(
            [path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/", env=environment
        ) as process,
        log.open("ab") as output,
    ):
        assert process.stdout is not None
        while chunk := process.stdout.read1(65536):  # type: ignore[attr-defined]  # a BufferedReader
            output.write(chunk)
            sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()
    return process.returncode


def _finish(boot: Boot, instance: Instance, settings: config.Settings) -> None:
    result = {"v1": {"datasource": instance.source, "errors": boot.errors}}
    place = boot.root / "run/cloud-init"
    place.mkdir(parents=True, exist_ok=True)
    (place / "result.json").write_text(json.dumps(result) + "\n")
    uptime = f"{time.clock_gettime(time.CLOCK_BOOTTIME):.2f}"
    message = settings.final_message or _DEFAULT_FINAL_MESSAGE
    say(message.replace("$UPTIME", uptime).replace("$DATASOURCE", instance.source))


if __name__ == "__main__":
    main()
