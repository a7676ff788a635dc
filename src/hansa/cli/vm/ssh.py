"""`hansa vm ssh`: into the machine, with the key and the known hosts of the profile."""

import hashlib
import os
import shutil
import socket
import time
from pathlib import Path

import click

from hansa.base.errors import Conflict, HansaError
from hansa.base.i18n import _
from hansa.cli.output import say
from hansa.cli.session import find, profile_of, site_option
from hansa.client.errors import Timeout
from hansa.client.machines import SSH_PORT, Machine
from hansa.client.profile import Profile

_PAUSE = 0.5


class NoProgram(HansaError):
    """A program that we start is not installed."""

    code = "cli.no_program"


@click.command(
    help=_("Log in to a machine, or run a command there: hansa vm ssh NAME -- COMMAND …"),
    context_settings={"ignore_unknown_options": True},
)
@click.argument("name")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.option("-l", "--login", help=_("The account in the machine; default: the profile's."))
@click.option("-i", "--key", type=click.Path(path_type=Path), help=_("The private key; default: the profile's."))
@click.option(
    "--timeout", type=float, default=120.0, show_default=True, help=_("Seconds to wait for its SSH to answer.")
)
@site_option
@click.pass_context
def ssh(
    ctx: click.Context,
    name: str,
    command: tuple[str, ...],
    login: str | None,
    key: Path | None,
    timeout: float,
    sites: tuple[str, ...],
) -> None:
    profile = profile_of(ctx)
    program = shutil.which("ssh")
    if program is None:
        raise NoProgram(_("There is no program ssh."), next=_("install an SSH client (Debian: openssh-client)"))
    machine = find(profile, sites, name)
    if machine.state != "active" or machine.host is None:
        raise Conflict(
            _("{name} cannot be reached: it is {state}.").format(
                name=machine.name, state=machine.message or machine.state
            ),
            next=_("hansa vm start {name} --wait").format(name=machine.name),
        )
    port = machine.ports.get(SSH_PORT, SSH_PORT)
    wait_for_ssh(machine.name, machine.host, port, timeout)
    arguments = ssh_arguments(profile, machine, machine.host, port, login or profile.defaults.login, key)
    os.execv(program, [program, *arguments, *command])  # noqa: S606 - no shell, an argument list


def ssh_arguments(profile: Profile, machine: Machine, host: str, port: int, login: str, key: Path | None) -> list[str]:
    """Known hosts are kept for each machine: addresses are used again, machines are not.

    Host and identifier are the site's words: neither may become an option of ssh or a path of its choosing.
    """
    known_hosts = known_hosts_of(profile, machine)
    known_hosts.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return [
        "-i",
        str(key or profile.paths.ssh_key),
        "-p",
        str(port),
        "-o",
        "IdentitiesOnly=yes",
        "-o",
        f'UserKnownHostsFile="{str(known_hosts).replace("%", "%%")}"',
        "-o",
        "StrictHostKeyChecking=accept-new",
        "-o",
        "LogLevel=ERROR",
        "-l",
        login,
        "--",
        host,
    ]


def known_hosts_of(profile: Profile, machine: Machine) -> Path:
    """Where the host key of that machine alone is kept."""
    name = hashlib.sha256(f"{machine.site.endpoint} {machine.id}".encode()).hexdigest()[:32]
    return profile.paths.state / "known_hosts" / name


def wait_for_ssh(name: str, host: str, port: int, seconds: float) -> None:
    """Until the guest's SSH server greets: a forwarded port accepts connections long before."""
    deadline = time.monotonic() + seconds
    told = False
    while not _greets(host, port):
        if time.monotonic() > deadline:
            raise Timeout(
                _("The SSH server of {name} did not answer at {host}:{port} within {seconds:g} seconds.").format(
                    name=name, host=host, port=port, seconds=seconds
                ),
                next=_("see its console: hansa vm log {name}").format(name=name),
            )
        if not told:
            say(_("Waiting for the SSH server of {name} …").format(name=name))
            told = True
        time.sleep(_PAUSE)


def _greets(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=5) as connected:
            return connected.recv(4) == b"SSH-"
    except OSError:
        return False
