"""JSON and base64url that mean one thing only: no member twice, no bounds missing, one spelling for each value."""

import base64
import binascii
import json
import math
from typing import Any, NoReturn

from hansa.standards.jwt.errors import JwtCode, JwtError

DEPTH_MAX = 16
DIGITS_MAX = 20
"""Of an integer: times and counters have fewer, and Python takes quadratic time for more."""


def parse_object(data: bytes) -> dict[str, Any]:
    """A JSON object (RFC 8259) in UTF-8. Raises JwtError for members given twice, NaN, huge numbers and deep nesting."""
    try:
        found = json.loads(
            data.decode(),
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_int=_integer,
            parse_float=_finite,
        )
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise JwtError(JwtCode.JSON, "It is not JSON in UTF-8") from None
    if not isinstance(found, dict):
        raise JwtError(JwtCode.JSON, "It is not a JSON object")
    _check_depth(found, DEPTH_MAX)
    return found


def decode(part: str) -> bytes:
    """base64url without padding (RFC 7515 §2), in its only canonical spelling: another one would be another token."""
    try:
        data = base64.b64decode(part + "=" * (-len(part) % 4), "-_", validate=True)
    except (binascii.Error, ValueError):
        data = None
    if data is None or encode(data) != part:
        raise JwtError(JwtCode.MALFORMED, "A part is not base64url without padding")
    return data


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise JwtError(JwtCode.JSON, "A member stands there twice")
    return found


def _no_constant(_text: str) -> NoReturn:
    raise JwtError(JwtCode.JSON, "NaN and Infinity are not JSON")


def _integer(text: str) -> int:
    if len(text) > DIGITS_MAX:
        raise JwtError(JwtCode.JSON, "A number is too large")
    return int(text)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise JwtError(JwtCode.JSON, "A number is too large")
    return number


def _check_depth(value: object, left: int) -> None:
    if left == 0:
        raise JwtError(JwtCode.JSON, "It is nested too deeply")
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inner:
        _check_depth(each, left - 1)
