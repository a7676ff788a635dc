"""What a `#cloud-config` asks for, as values; unknown keys are other guests' business."""

import shlex
from collections.abc import Mapping
from typing import Any

from .accounts import User
from .files import FileToWrite

DEFAULT_USER = User(
    name="cloudadm",
    gecos="Default user",
    home="/home/cloudadm",
    groups=("adm", "sudo"),
    sudo=("ALL=(ALL) NOPASSWD:ALL",),
)
"""As federated clouds are used to; gets the keys that the seed and the top of the cloud-config name, and so does root."""


class Settings:
    """The merged `config` of all parts, read key by key."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config

    @property
    def hostname(self) -> str:
        return str(self.config.get("fqdn") or self.config.get("hostname") or "")

    @property
    def ssh_keys(self) -> list[str]:
        return _strings(self.config.get("ssh_authorized_keys"))

    @property
    def password_logins(self) -> bool:
        return self.config.get("ssh_pwauth") is True

    @property
    def grows(self) -> bool:
        mode = (self.config.get("growpart") or {}).get("mode", "auto")
        return mode not in ("off", False) and self.config.get("resize_rootfs") is not False

    @property
    def final_message(self) -> str:
        return str(self.config.get("final_message") or "")

    @property
    def users(self) -> list[User]:
        """Who shall be there; without a word about users, the default user alone."""
        entries = self.config.get("users", ["default"]) or []
        entries = [entries] if isinstance(entries, (str, dict)) else entries
        return [user for entry in entries if (user := _user(entry)) is not None]

    @property
    def write_files(self) -> list[FileToWrite]:
        return [_file(entry) for entry in self.config.get("write_files") or []]

    @property
    def bootcmd(self) -> bytes:
        return _script(self.config.get("bootcmd"))

    @property
    def runcmd(self) -> bytes:
        return _script(self.config.get("runcmd"))


def _user(entry: Any) -> User | None:
    if isinstance(entry, str):
        entry = {"name": entry}
    if not isinstance(entry, dict):
        return None
    entry = {str(key).replace("-", "_"): value for key, value in entry.items()}
    name = str(entry.get("name", ""))
    if name == "default":
        return DEFAULT_USER
    if not name:
        return None
    return User(
        name=name,
        gecos=str(entry.get("gecos") or ""),
        home=str(entry.get("homedir") or f"/home/{name}"),
        shell=str(entry.get("shell") or "/bin/sh"),
        uid=int(entry["uid"]) if entry.get("uid") is not None else None,
        groups=tuple(_strings(entry.get("groups"))),
        primary_group=str(entry.get("primary_group") or name),
        sudo=tuple(rule for rule in _whole_strings(entry.get("sudo")) if rule != "False"),
        ssh_keys=tuple(_whole_strings(entry.get("ssh_authorized_keys"))),
        password_hash=str(entry.get("hashed_passwd") or entry.get("passwd") or ""),
        locked=entry.get("lock_passwd") is not False,
    )


def _file(entry: Mapping[str, Any]) -> FileToWrite:
    permissions = entry.get("permissions")
    content = entry.get("content") or ""
    return FileToWrite(
        path=str(entry["path"]),
        content=content if isinstance(content, bytes) else str(content).encode(),
        encoding=str(entry.get("encoding") or "text/plain"),
        mode=int(permissions, 8)
        if isinstance(permissions, str)
        else int(permissions)
        if permissions is not None
        else 0o644,
        owner=str(entry.get("owner") or "root:root"),
        append=bool(entry.get("append")),
    )


def _script(commands: Any) -> bytes:
    """A string is a shell line as it stands; a list is one command, each item an argument."""
    lines = [_line(command) for command in commands or [] if command is not None]
    return "\n".join(["#!/bin/sh", *lines, ""]).encode() if lines else b""


def _line(command: Any) -> str:
    return shlex.join(str(argument) for argument in command) if isinstance(command, list) else str(command)


def _strings(value: Any) -> list[str]:
    """A list, or a string of words parted by commas."""
    if isinstance(value, str):
        return [word.strip() for word in value.split(",") if word.strip()]
    return _whole_strings(value)


def _whole_strings(value: Any) -> list[str]:
    if value is None or isinstance(value, bool):
        return []
    return [str(item) for item in (value if isinstance(value, list) else [value])]
