"""The two base64 alphabets of VOMS, and XML read with bounds."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import escape

from hansa.standards.voms.errors import VomsCode, VomsError

MAX_REPLY_BYTES = 1_000_000
_COLUMNS = 64
_MAX_DEPTH = 6
_MAX_ELEMENTS = 5000
_TO_STANDARD = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ[]", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+/"
)
_VOMS_DER = "m"
"""How a DER sequence begins in VOMS' alphabet, where `m` stands for 12."""


def encode_base64(data: bytes) -> str:
    """Standard base64 in lines of 64 with a final newline: the one form that every client reads in every dialect."""
    text = base64.b64encode(data).decode("ascii")
    return "".join(text[start : start + _COLUMNS] + "\n" for start in range(0, len(text), _COLUMNS))


def decode_base64(text: str) -> bytes:
    """Either alphabet. VOMS' own (`a-zA-Z0-9[]`, no padding) stands on one line, and is known by its brackets or because only
    so the data begin as DER does. Raises `VomsError` (`voms.reply.syntax`).
    """
    compact = "".join(text.split())
    one_line = "\n" not in text and not any(char in compact for char in "+/=")
    if one_line and (any(char in compact for char in "[]") or compact.startswith(_VOMS_DER)):
        compact = compact.translate(_TO_STANDARD)
    try:
        return base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise VomsError(VomsCode.REPLY_SYNTAX, "The server's reply is not base64 text") from None


@dataclass(slots=True)
class Element:
    """An element with its text and children; attributes are of no use here and dropped."""

    tag: str
    text: str = ""
    children: list["Element"] = field(default_factory=list)

    def all(self, tag: str) -> list["Element"]:
        return [child for child in self.children if child.tag == tag]

    def first(self, tag: str) -> str | None:
        """Text of the first child with this tag."""
        return next((child.text for child in self.children if child.tag == tag), None)


def parse_reply_xml(data: bytes) -> Element:
    """Read a server's document. Raises `VomsError` (`voms.reply.syntax`, `voms.reply.too_large`)."""
    if len(data) > MAX_REPLY_BYTES:
        raise VomsError(VomsCode.REPLY_TOO_LARGE, f"The server's reply is longer than {MAX_REPLY_BYTES} bytes")
    return parse_xml(data, bad_reply)


def parse_xml(data: bytes, refuse: Callable[[str], VomsError]) -> Element:
    """Read a document of bounded size. Document types, and with them entities, are refused; so are depth and many elements."""
    reader = _Reader(refuse)
    try:
        reader.parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        if isinstance(error, VomsError):
            raise
        raise refuse("The message is not well-formed XML") from None
    return reader.root


class _Reader:
    def __init__(self, refuse: Callable[[str], VomsError]) -> None:
        self._refuse = refuse
        self._stack = [Element("")]
        self._count = 0
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._doctype

    @property
    def root(self) -> Element:
        return self._stack[0].children[0]

    def _start(self, tag: str, _attributes: dict[str, str]) -> None:
        self._count += 1
        if len(self._stack) > _MAX_DEPTH or self._count > _MAX_ELEMENTS:
            raise self._refuse("The message has too many elements")
        element = Element(tag)
        self._stack[-1].children.append(element)
        self._stack.append(element)

    def _end(self, _tag: str) -> None:
        self._stack.pop()

    def _text(self, text: str) -> None:
        self._stack[-1].text += text

    def _doctype(self, *_: object) -> None:
        raise self._refuse("The message has a document type, which is not accepted")


def xml_text(text: str) -> str:
    """Text for element content: escaped, without the control characters XML cannot hold."""
    return escape("".join(char for char in text if char >= " " or char in "\n\t"))


def bad_request(reason: str) -> VomsError:
    return VomsError(VomsCode.REQUEST_SYNTAX, reason)


def bad_reply(reason: str) -> VomsError:
    return VomsError(VomsCode.REPLY_SYNTAX, reason)
