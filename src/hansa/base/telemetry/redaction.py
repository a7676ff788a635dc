"""Secrets stay out of the log: by the name of a field, and by their form inside any text.

This is the net under the rule that nobody logs a secret in the first place. Control characters are escaped, so that no
value can forge a line, and long texts are cut.
"""

import re
from collections.abc import Mapping, MutableMapping
from functools import lru_cache
from typing import Any

HIDDEN = "***"
LIMIT = 16_384  # characters of one text
DEPTH = 6
MEMBERS = 200

_SECRET_NAME = re.compile(
    r"(?:pass(?:word|wd|phrase|code)?|secret|token|credential|authori[sz]ation|cookie|assertion|user_?data)s?(?:$|_)|(?:^|_)key$"
)
_PUBLIC_NAME = re.compile(r"(?:^|_)(?:public|ssh|host|primary|foreign)_key$|token_type$")
_SECRET_TEXT = (
    re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)", re.DOTALL),
    re.compile(r"(?i)(?<=://)[^\s/@:]*:[^\s/@]+(?=@)"),
    re.compile(r"(?i)\b(?:bearer|basic)\s+[\w+/=.~-]{6,}"),
    re.compile(r"\bgAAAA[\w-]{40,}"),  # a Fernet token, as in the path of a client that asks about one
    re.compile(r"\beyJ[\w-]{8,400}\.[\w-]+\.[\w-]*"),
)
_SECRET_PAIR = re.compile(
    r"""(?ix)
    \b( (?:proxy-)?authorization | x-(?:auth|subject|service)-token | (?:set-)?cookie
      | [\w-]{0,40}(?:password|passwd|passphrase|secret|token) )
    (["']?\s*[:=]\s*["']?)
    (?! \s )
    ( (?:(?<=ion:\ )|(?<=ion=)|(?<=ion:)|(?<=kie:\ )|(?<=kie:)|(?<=kie=))[^\r\n"']+ | [^\s,;&"']+ )
    """
)
_SUSPICIOUS = re.compile(r"(?i)-----|://|bearer|basic|eyj|auth|token|pass|secret|cookie")
"""What a text must hold for any pattern above to match; most texts do not, and looking once is cheap."""
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)}
_CONTROL_IN_BLOCK = {code: text for code, text in _CONTROL.items() if code not in (0x0A, 0x09)}
_BLOCKS = frozenset({"exception", "stack"})  # rendered by us, on several lines


def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor."""
    for key, value in event.items():
        event[key] = HIDDEN if _is_secret(key) else clean(value, lines=key in _BLOCKS)
    return event


def clean(value: object, *, lines: bool = False, depth: int = 0) -> object:
    """`value` without secrets, as JSON can hold it. `lines`: line breaks may stay."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    if depth >= DEPTH:
        return "<…>"
    if isinstance(value, Mapping):
        members = list(value.items())[:MEMBERS]
        return {str(k): HIDDEN if _is_secret(str(k)) else clean(v, depth=depth + 1) for k, v in members}
    if isinstance(value, list | tuple | set | frozenset):
        return [clean(member, depth=depth + 1) for member in list(value)[:MEMBERS]]
    return clean_text(str(value), lines=lines)


def clean_text(text: str, *, lines: bool = False) -> str:
    if len(text) > LIMIT:  # before the patterns look: what a peer sends must not cost them much
        text = f"{text[:LIMIT]}… ({len(text)} characters)"
    if _SUSPICIOUS.search(text):
        for pattern in _SECRET_TEXT:
            text = pattern.sub(HIDDEN, text)
        text = _SECRET_PAIR.sub(rf"\1\2{HIDDEN}", text)
    return text if text.isprintable() else text.translate(_CONTROL_IN_BLOCK if lines else _CONTROL)


@lru_cache(1024)
def _is_secret(name: str) -> bool:
    plain = name.lower().replace("-", "_")
    return bool(_SECRET_NAME.search(plain)) and not _PUBLIC_NAME.search(plain)
