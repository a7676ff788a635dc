"""`#cloud-config`: YAML 1.1 within bounds, and the shape of the keys that people get wrong.

Keys that are not listed here pass: which modules a guest has is the guest's affair. A listed key of the wrong shape would
be skipped silently inside the guest, so it is refused here, with the place.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

import yaml

from hansa.standards.cloudinit.errors import CloudInitError

MAX_DEPTH = 32
MAX_NODES = 20_000
MAX_ALIASES = 32
"""Merge keys copy what an alias names; with 32 of them the copies stay below 3**11 entries."""

_ENCODINGS = frozenset({"b64", "base64", "gz", "gzip", "gz+base64", "gzip+base64", "gz+b64", "gzip+b64", "text/plain"})
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def check_cloud_config(data: bytes) -> Mapping[str, Any]:
    """The parsed document. Raises CloudInitError: not YAML, out of bounds, not a mapping, or a known key of wrong shape."""
    document = load_yaml(data)
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise CloudInitError(
            "cloudinit.config.shape", f"#cloud-config must be a mapping of keys, not {_kind(document)}"
        )
    for key, check in _CHECKS.items():
        if document.get(key) is not None:
            check(key, document[key])
    return document


def load_yaml(data: bytes) -> Any:
    """One YAML document with plain values only. Raises CloudInitError with line and column."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as broken:
        line = data.count(b"\n", 0, broken.start) + 1
        raise CloudInitError("cloudinit.encoding", "YAML user data must be UTF-8", line=line) from None
    try:
        _check_bounds(text)
        return yaml.load(text, Loader=_LOADER)  # noqa: S506 - a safe loader
    except yaml.MarkedYAMLError as broken:
        mark = broken.problem_mark or broken.context_mark
        raise _refused("cloudinit.yaml.syntax", f"not valid YAML: {broken.problem or broken.context}", mark) from None
    except yaml.YAMLError:
        raise CloudInitError("cloudinit.yaml.syntax", "not valid YAML: a character that YAML does not allow") from None
    except CloudInitError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        # The loader took a word for a number, date or tagged value that it then cannot build: 2001-13-99, !!int x.
        raise CloudInitError("cloudinit.yaml.value", "a number, date or tagged value in the YAML is not one") from None


def _check_bounds(text: str) -> None:
    """Walk the events, which needs no recursion, before anything is built from them."""
    open_anchors: list[str | None] = []
    nodes = aliases = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.CollectionEndEvent):
            open_anchors.pop()
            continue
        if isinstance(event, yaml.AliasEvent):
            aliases += 1
            if event.anchor in open_anchors:
                raise _refused("cloudinit.yaml.alias", "an alias refers to the value it stands in", event.start_mark)
        if isinstance(event, yaml.CollectionStartEvent):
            open_anchors.append(event.anchor)
        nodes += isinstance(event, yaml.NodeEvent)
        if len(open_anchors) > MAX_DEPTH:
            raise _refused(
                "cloudinit.yaml.depth", f"the YAML is nested deeper than {MAX_DEPTH} levels", event.start_mark
            )
        if nodes > MAX_NODES:
            raise _refused("cloudinit.too_large", f"the YAML has more than {MAX_NODES} values", event.start_mark)
        if aliases > MAX_ALIASES:
            raise _refused("cloudinit.yaml.alias", f"the YAML has more than {MAX_ALIASES} aliases", event.start_mark)


def _refused(code: str, reason: str, mark: Any) -> CloudInitError:
    """`mark` is a yaml Mark, which counts from 0, or None."""
    line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
    return CloudInitError(code, reason, line=line, column=column)


def _wrong(where: str, wanted: str, got: object) -> CloudInitError:
    return CloudInitError("cloudinit.config.shape", f"{where} must be {wanted}, not {_kind(got)}")


def _kind(value: object) -> str:
    names = {dict: "a mapping", list: "a list", str: "a string", bool: "true or false", type(None): "empty"}
    return names.get(type(value), "a number or date")


def _check_string(where: str, value: object) -> None:
    if not isinstance(value, str):
        raise _wrong(where, "a string", value)


def _check_list(where: str, value: object) -> list[Any]:
    if not isinstance(value, list):
        raise _wrong(where, "a list", value)
    return value


def _check_keys(where: str, value: object) -> None:
    for number, key in enumerate(_check_list(where, value), 1):
        _check_string(f"{where} item {number}", key)


def _check_commands(where: str, value: object) -> None:
    for number, command in enumerate(_check_list(where, value), 1):
        if isinstance(command, dict):
            reason = f"{where} item {number} is a mapping: quote the command, it contains ': '"
            raise CloudInitError("cloudinit.config.shape", reason)
        if command is not None and not isinstance(command, str | list):
            raise _wrong(f"{where} item {number}", "a string or a list of arguments", command)


def _check_users(where: str, value: object) -> None:
    if isinstance(value, str):
        return
    if isinstance(value, dict):
        value = [value]
    for number, user in enumerate(_check_list(where, value), 1):
        if isinstance(user, str | list):
            continue
        if not isinstance(user, dict):
            raise _wrong(f"{where} item {number}", "a name or a mapping", user)
        _check_user(f"{where} item {number}", user)


def _check_user(where: str, user: Mapping[str, object]) -> None:
    if not isinstance(user.get("name", user.get("snapuser")), str):
        raise CloudInitError("cloudinit.config.shape", f"{where} has no name")
    for key in ("ssh_authorized_keys", "ssh-authorized-keys"):
        if user.get(key) is not None:
            _check_keys(f"{where} {key}", user[key])
    if not isinstance(user.get("sudo"), str | list | bool | None):
        raise _wrong(f"{where} sudo", "a string, a list or false", user["sudo"])


def _check_files(where: str, value: object) -> None:
    for number, file in enumerate(_check_list(where, value), 1):
        if not isinstance(file, dict):
            raise _wrong(f"{where} item {number}", "a mapping", file)
        _check_file(f"{where} item {number}", file)


def _check_file(where: str, file: Mapping[str, object]) -> None:
    path = file.get("path")
    if not isinstance(path, str) or not path.startswith("/") or "\0" in path:
        raise CloudInitError("cloudinit.config.shape", f"{where} needs a path that begins with '/'")
    content, encoding = file.get("content"), file.get("encoding") or "text/plain"
    if encoding not in _ENCODINGS:
        raise CloudInitError("cloudinit.config.shape", f"{where} has an unknown encoding")
    if content is not None and not isinstance(content, str | bytes):
        raise _wrong(f"{where} content", "a string", content)
    if content is not None and str(encoding).endswith(("b64", "base64")):
        try:
            base64.b64decode("".join(content.split()) if isinstance(content, str) else content, validate=True)
        except (binascii.Error, ValueError):
            raise CloudInitError("cloudinit.config.shape", f"{where} content is not base64") from None
    if not isinstance(file.get("permissions"), str | int | None):
        raise _wrong(f"{where} permissions", "an octal number in quotes", file["permissions"])


_CHECKS: Mapping[str, Callable[[str, object], None]] = {
    "users": _check_users,
    "ssh_authorized_keys": _check_keys,
    "write_files": _check_files,
    "runcmd": _check_commands,
    "bootcmd": _check_commands,
    "hostname": _check_string,
    "fqdn": _check_string,
}
