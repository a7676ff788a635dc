"""User data taken apart: one merged cloud-config and the scripts to run, in order."""

import subprocess
import zlib
from typing import Any, NamedTuple

_MAXIMUM = 4 * 1024 * 1024
_SCRIPT, _CONFIG, _INCLUDE, _BOOTHOOK = (
    "text/x-shellscript",
    "text/cloud-config",
    "text/x-include-url",
    "text/cloud-boothook",
)
_PREFIXES = (("#!", _SCRIPT), ("#cloud-config", _CONFIG), ("#include", _INCLUDE), ("#cloud-boothook", _BOOTHOOK))


class Script(NamedTuple):
    name: str
    content: bytes


class Parts:
    """`config`: later parts replace earlier ones key by key, as cloud-init merges by default."""

    def __init__(self) -> None:
        self.config: dict[str, Any] = {}
        self.scripts: list[Script] = []
        self.problems: list[str] = []


def split(data: bytes) -> Parts:
    parts = Parts()
    _add(parts, data, "")
    return parts


def _add(parts: Parts, data: bytes, declared: str) -> None:
    data = gunzip(data)
    if b"mime-version:" in data[:4096].lower():
        _add_multipart(parts, data)
        return
    start = data.lstrip()[:64].lower().decode("ascii", "replace")
    kind = declared if declared in (_SCRIPT, _CONFIG, _INCLUDE, _BOOTHOOK) else ""
    kind = kind or next((kind for prefix, kind in _PREFIXES if start.startswith(prefix)), "")
    if kind in (_SCRIPT, _BOOTHOOK):
        content = data.lstrip().removeprefix(b"#cloud-boothook").lstrip() if kind == _BOOTHOOK else data.lstrip()
        parts.scripts.append(Script(f"part-{len(parts.scripts) + 1:03}", content))
    elif kind == _CONFIG:
        _add_config(parts, data)
    elif kind == _INCLUDE:
        _add_included(parts, data)
    elif start.strip():
        parts.problems.append("user data is in a format this guest does not know; it was ignored")


def gunzip(data: bytes) -> bytes:
    while data.startswith(b"\x1f\x8b"):
        data = zlib.decompressobj(wbits=31).decompress(data, _MAXIMUM)
    return data


def _add_config(parts: Parts, data: bytes) -> None:
    import yaml  # only now: most machines are started with a script or with nothing

    try:
        document = yaml.safe_load(data.decode("utf-8-sig"))
    except (yaml.YAMLError, ValueError) as broken:
        parts.problems.append(f"#cloud-config is not valid YAML: {' '.join(str(broken).split())}")
        return
    if isinstance(document, dict):
        parts.config.update(document)
    elif document is not None:
        parts.problems.append("#cloud-config is not a mapping; it was ignored")


def _add_multipart(parts: Parts, data: bytes) -> None:
    from email.parser import BytesParser

    for part in BytesParser().parsebytes(data.lstrip()).walk():
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            _add(parts, payload, part.get_content_type())


def _add_included(parts: Parts, data: bytes) -> None:
    for line in data.decode("utf-8", "replace").splitlines():
        url = line.strip().removeprefix("#include-once").removeprefix("#include").strip()
        if not url or url.startswith("#"):
            continue
        fetched = subprocess.run(["timeout", "20", "wget", "-q", "-O", "-", url], capture_output=True, check=False)
        if fetched.returncode:
            parts.problems.append(f"include {url} could not be fetched")
        elif fetched.stdout.lstrip().lower().startswith(b"#include"):
            parts.problems.append(f"include {url} is itself an include; it was ignored")
        else:
            _add(parts, fetched.stdout, "")
