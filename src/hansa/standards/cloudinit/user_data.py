"""Which kind of user data is this, and could a guest use it?

The kinds and their first bytes are cloud-init's "user data formats". What begins like none of them is for another agent
(Ignition, amiconfig, PowerShell ...) and passes as OTHER, except where it is plainly a slip of the pen.
"""

import base64
import binascii
import re
import zlib
from email.message import Message
from email.parser import BytesParser
from enum import StrEnum
from urllib.parse import urlsplit

from hansa.standards.cloudinit.cloud_config import check_cloud_config, load_yaml
from hansa.standards.cloudinit.errors import CloudInitError

MAX_USER_DATA = 64 * 1024
"""Bytes as handed in, compressed or not (Nova's bound)."""

MAX_UNPACKED = 512 * 1024
"""Bytes after gzip, of all parts together."""

MAX_PARTS = 64
MAX_GZIP_LAYERS = 2


class UserDataKind(StrEnum):
    EMPTY = "empty"
    SCRIPT = "script"  # #!
    CLOUD_CONFIG = "cloud-config"
    CLOUD_CONFIG_ARCHIVE = "cloud-config-archive"
    MULTIPART = "multipart"
    INCLUDE = "include"
    BOOTHOOK = "cloud-boothook"
    PART_HANDLER = "part-handler"
    TEMPLATE = "jinja-template"
    OTHER = "other"  # for an agent that is not cloud-init


_PREFIXES = (  # the longer one first
    (b"#!", UserDataKind.SCRIPT),
    (b"#cloud-config-archive", UserDataKind.CLOUD_CONFIG_ARCHIVE),
    (b"#cloud-config", UserDataKind.CLOUD_CONFIG),
    (b"#include", UserDataKind.INCLUDE),
    (b"#cloud-boothook", UserDataKind.BOOTHOOK),
    (b"#part-handler", UserDataKind.PART_HANDLER),
    (b"## template: jinja", UserDataKind.TEMPLATE),
)
_MIME_TYPES = {
    "text/x-shellscript": UserDataKind.SCRIPT,
    "text/cloud-config": UserDataKind.CLOUD_CONFIG,
    "text/cloud-config-archive": UserDataKind.CLOUD_CONFIG_ARCHIVE,
    "text/x-include-url": UserDataKind.INCLUDE,
    "text/x-include-once-url": UserDataKind.INCLUDE,
    "text/cloud-boothook": UserDataKind.BOOTHOOK,
    "text/part-handler": UserDataKind.PART_HANDLER,
    "text/jinja2": UserDataKind.TEMPLATE,
}
_TRANSFER_ENCODINGS = frozenset({"", "7bit", "8bit", "binary", "base64", "quoted-printable"})
_MISSPELT_HEADER = re.compile(rb"#\s*cloud[\s_-]*config\b", re.IGNORECASE)
_GZIP_MAGIC = b"\x1f\x8b"


def check_user_data(data: bytes) -> UserDataKind:
    """The kind of `data` as handed in (inside gzip, when packed).

    Raises CloudInitError where the guest could only fail: too large, gzip that does not unpack, `#cloud-config` that is
    not YAML of the right shape, multipart that does not parse, a script without interpreter, an include without URL.
    """
    if len(data) > MAX_USER_DATA:
        raise CloudInitError(
            "cloudinit.too_large", f"user data has {len(data)} bytes; at most {MAX_USER_DATA} are allowed"
        )
    plain = _unpack(data)
    if _is_mime(plain):
        return _check_multipart(plain)
    return _check_single(plain, None)


def _unpack(data: bytes) -> bytes:
    for _ in range(MAX_GZIP_LAYERS):
        if not data.startswith(_GZIP_MAGIC):
            return data
        data = _gunzip(data)
    if data.startswith(_GZIP_MAGIC):
        raise CloudInitError("cloudinit.gzip", f"user data is packed more than {MAX_GZIP_LAYERS} times with gzip")
    return data


def _gunzip(data: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        plain = unpacker.decompress(data, MAX_UNPACKED + 1)
    except zlib.error as broken:
        raise CloudInitError("cloudinit.gzip", f"user data does not unpack with gzip: {broken}") from None
    if len(plain) > MAX_UNPACKED:
        raise CloudInitError("cloudinit.too_large", f"user data unpacks to more than {MAX_UNPACKED} bytes")
    if not unpacker.eof:
        raise CloudInitError("cloudinit.gzip", "user data ends in the middle of its gzip stream")
    return plain


def _check_single(data: bytes, declared: UserDataKind | None) -> UserDataKind:
    kind = declared or _sniff(data)
    match kind:
        case UserDataKind.SCRIPT:
            _check_script(data)
        case UserDataKind.CLOUD_CONFIG:
            check_cloud_config(data)
        case UserDataKind.CLOUD_CONFIG_ARCHIVE:
            if not isinstance(load_yaml(data), list):
                raise CloudInitError("cloudinit.config.shape", "a #cloud-config-archive is a YAML list of parts")
        case UserDataKind.INCLUDE:
            _check_include(data)
        case UserDataKind.OTHER:
            _refuse_slips(data)
        case _:
            pass
    return kind


def _sniff(data: bytes) -> UserDataKind:
    start = data.lstrip()[:64].lower()
    if not start:
        return UserDataKind.EMPTY
    return next((kind for prefix, kind in _PREFIXES if start.startswith(prefix)), UserDataKind.OTHER)


def _refuse_slips(data: bytes) -> None:
    if _MISSPELT_HEADER.match(data.lstrip()):
        raise CloudInitError(
            "cloudinit.header",
            "the first line must read exactly '#cloud-config'; as written the guest would ignore it",
            line=1,
        )
    if data.lstrip().lower().startswith(b"content-type: multipart"):
        raise CloudInitError(
            "cloudinit.mime",
            "multipart user data needs the header 'MIME-Version: 1.0'; without it the guest would ignore it",
        )


def _check_script(data: bytes) -> None:
    first, newline, _ = data.lstrip().partition(b"\n")
    if not first.startswith(b"#!"):
        raise CloudInitError("cloudinit.script", "a script part must begin with '#!' and its interpreter", line=1)
    if newline and first.endswith(b"\r"):
        reason = "the script has Windows line ends: its interpreter would not be found"
        raise CloudInitError("cloudinit.script", reason, line=1)
    if not first[2:].strip().startswith(b"/"):
        raise CloudInitError("cloudinit.script", "'#!' must be followed by the absolute path of an interpreter", line=1)


def _check_include(data: bytes) -> None:
    urls = 0
    for number, raw in enumerate(data.splitlines(), 1):
        line = re.sub(rb"^#include(-once)?", b"", raw.strip(), flags=re.IGNORECASE).strip()
        if not line or line.startswith(b"#"):
            continue
        if not _is_url(line):
            raise CloudInitError("cloudinit.include", "an include line must be an http or https URL", line=number)
        urls += 1
    if not urls:
        raise CloudInitError("cloudinit.include", "the include names no URL")


def _is_url(line: bytes) -> bool:
    try:
        url = urlsplit(line.decode("ascii"))
    except ValueError:
        return False
    return url.scheme in {"http", "https"} and bool(url.netloc) and not re.search(rb"\s", line)


def _is_mime(data: bytes) -> bool:
    return b"mime-version:" in data[:4096].lower()


def _check_multipart(data: bytes) -> UserDataKind:
    # The parser recurses into multipart and message parts: bound them before it runs.
    if data.lower().count(b"multipart/") + data.lower().count(b"message/") > MAX_PARTS:
        raise CloudInitError("cloudinit.mime", "multipart user data is nested too deeply")
    message = BytesParser().parsebytes(data.lstrip())
    parts = [part for part in message.walk() if not part.is_multipart()]
    if len(parts) > MAX_PARTS:
        reason = f"multipart user data has {len(parts)} parts; at most {MAX_PARTS} are allowed"
        raise CloudInitError("cloudinit.mime", reason)
    for defect in (defect for part in message.walk() for defect in part.defects):
        raise CloudInitError("cloudinit.mime", f"multipart user data is malformed ({type(defect).__name__})")
    if not message.is_multipart():
        return _check_part(message)
    for part in parts:
        _check_part(part)
    return UserDataKind.MULTIPART


def _check_part(part: Message) -> UserDataKind:
    body = _unpack(_body(part))
    return _check_single(body, _MIME_TYPES.get(part.get_content_type()))


def _body(part: Message) -> bytes:
    encoding = str(part.get("content-transfer-encoding", "")).strip().lower()
    if encoding not in _TRANSFER_ENCODINGS:
        raise CloudInitError("cloudinit.mime", "a part's Content-Transfer-Encoding is unknown")
    payload = part.get_payload()
    raw = payload.encode("utf-8", "surrogateescape") if isinstance(payload, str) else b""
    if encoding == "base64":
        try:
            return base64.b64decode(b"".join(raw.split()), validate=True)
        except binascii.Error:
            raise CloudInitError("cloudinit.mime", "a part is not the base64 it says it is") from None
    return binascii.a2b_qp(raw) if encoding == "quoted-printable" else raw
