"""Users of the guest: passwd, group, shadow, sudoers and authorized_keys files."""

import os
import re
from pathlib import Path
from typing import NamedTuple

_NAME = re.compile(r"[a-z_][a-z0-9_.-]{0,31}\Z", re.IGNORECASE)
_FIRST_ID = 1000
_LOCKED = "!"


class User(NamedTuple):
    name: str
    gecos: str = ""
    home: str = ""
    shell: str = "/bin/sh"
    uid: int | None = None
    groups: tuple[str, ...] = ()
    primary_group: str = ""
    sudo: tuple[str, ...] = ()
    ssh_keys: tuple[str, ...] = ()
    password_hash: str = ""
    locked: bool = True


def create(root: Path, user: User) -> None:
    """Make the account, or complete the one that is there (root, say)."""
    for value in (user.name, user.gecos, user.home, user.shell, user.password_hash):
        if ":" in value or "\n" in value:
            raise ValueError("an account field holds ':' or a line end")
    if not _NAME.match(user.name):
        raise ValueError("not a user name")
    if _find(root / "etc/passwd", user.name) is None:
        _add_account(root, user)
    for group in user.groups:
        _join(root, user.name, group)
    if user.password_hash and not user.locked:
        _set_password(root, user.name, user.password_hash)
    if user.sudo:
        _grant(root, user)
    if user.ssh_keys:
        write_keys(root, user.name, list(user.ssh_keys))


def _add_account(root: Path, user: User) -> None:
    group = _group_id(root, user.primary_group or user.name)
    uid = user.uid if user.uid is not None else _free_id(root / "etc/passwd")
    home = user.home or f"/home/{user.name}"
    shell = (
        user.shell
        if (root / user.shell.lstrip("/")).exists() or user.shell.endswith(("nologin", "false"))
        else "/bin/sh"
    )
    _append(root / "etc/passwd", f"{user.name}:x:{uid}:{group}:{user.gecos}:{home}:{shell}")
    _append(root / "etc/shadow", f"{user.name}:{_LOCKED}:19723:0:99999:7:::")
    place = root / home.lstrip("/")
    place.mkdir(parents=True, exist_ok=True)
    place.chmod(0o755)
    _own(place, uid, group)


def write_keys(root: Path, name: str, keys: list[str]) -> None:
    """Add to the user's authorized_keys; a key that is there already stays one line."""
    account = _find(root / "etc/passwd", name)
    if account is None or not keys:
        return
    uid, group, home = int(account[2]), int(account[3]), account[5]
    directory = root / home.lstrip("/") / ".ssh"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / "authorized_keys"
    present = path.read_text().splitlines() if path.exists() else []
    lines = dict.fromkeys([*present, *(" ".join(key.split("\n")).strip() for key in keys)])
    path.touch(mode=0o600)
    path.write_text("".join(f"{line}\n" for line in lines))
    for owned in (directory, path):
        _own(owned, uid, group)


def _grant(root: Path, user: User) -> None:
    directory = root / "etc/sudoers.d"
    directory.mkdir(mode=0o750, parents=True, exist_ok=True)
    path = directory / "90-cloud-init-users"
    path.touch(mode=0o440)
    for rule in user.sudo:
        _append(path, f"{user.name} {' '.join(rule.split())}")


def _join(root: Path, name: str, group: str) -> None:
    _group_id(root, group)
    path = root / "etc/group"
    lines = [line.split(":") for line in path.read_text().splitlines()]
    for fields in lines:
        members = [member for member in fields[3].split(",") if member]
        if fields[0] == group and name not in members:
            fields[3] = ",".join([*members, name])
    _replace(path, "".join(":".join(fields) + "\n" for fields in lines))


def _group_id(root: Path, group: str) -> int:
    """Of the group, which is made if it is not there."""
    if not _NAME.match(group):
        raise ValueError("not a group name")
    path = root / "etc/group"
    found = _find(path, group)
    if found is not None:
        return int(found[2])
    number = _free_id(path)
    _append(path, f"{group}:x:{number}:")
    return number


def _set_password(root: Path, name: str, password_hash: str) -> None:
    path = root / "etc/shadow"
    lines = [line.split(":") for line in path.read_text().splitlines()]
    for fields in lines:
        if fields[0] == name:
            fields[1] = password_hash
    _replace(path, "".join(":".join(fields) + "\n" for fields in lines))


def _find(path: Path, name: str) -> list[str] | None:
    lines = (line.split(":") for line in path.read_text().splitlines())
    return next((fields for fields in lines if fields[0] == name), None)


def _free_id(path: Path) -> int:
    used = {int(line.split(":")[2]) for line in path.read_text().splitlines()}
    return max([number for number in used if _FIRST_ID <= number < 60000], default=_FIRST_ID - 1) + 1


def _append(path: Path, line: str) -> None:
    _replace(path, (path.read_text() if path.exists() else "") + line + "\n")


def _replace(path: Path, text: str) -> None:
    """Whole or not at all: a power cut must not leave half a passwd file."""
    partial = path.with_name(path.name + ".new")
    partial.touch(mode=0o600)
    partial.write_text(text)
    if path.exists():
        partial.chmod(path.stat().st_mode & 0o7777)
    partial.replace(path)


def _own(path: Path, uid: int, group: int) -> None:
    if os.geteuid() == 0:
        os.chown(path, uid, group)
