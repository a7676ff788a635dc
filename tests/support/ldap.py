"""An LDAP client made of bytes: what a test sends to the server, and how it reads the answers."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from hansa.ldap import LdapServer, Limits, Tree, make_entry, serving
from hansa.standards.ldap import (
    And,
    Approx,
    AtLeast,
    AtMost,
    Equal,
    Extensible,
    Filter,
    Not,
    Or,
    Present,
    Result,
    Scope,
    Substrings,
)
from hansa.standards.ldap.ber import BOOLEAN, ENUMERATED, OCTETS, SEQUENCE, Reader, integer, tlv
from hansa.standards.ldap.filters import Tag

Entries = Sequence[tuple[str, Sequence[tuple[str, str]]]]

EVERYTHING = Present("objectclass")
SITES: Entries = [
    ("o=glue", [("objectClass", "organization"), ("o", "glue")]),
    ("GLUE2DomainID=KISTI,o=glue", [("objectClass", "GLUE2Domain"), ("GLUE2DomainID", "KISTI")]),
    (
        "GLUE2ServiceID=compute,GLUE2DomainID=KISTI,o=glue",
        [
            ("objectClass", "GLUE2Service"),
            ("GLUE2ServiceID", "compute"),
            ("GLUE2ServiceType", "IaaS"),
            ("GLUE2ServiceCapability", "cloud.managementSystem"),
            ("GLUE2ServiceCapability", "cloud.vm.uploadImage"),
        ],
    ),
    (
        "GLUE2EndpointID=https://fccont.kisti.re.kr:8787/_OCCI,GLUE2ServiceID=compute,GLUE2DomainID=KISTI,o=glue",
        [
            ("objectClass", "GLUE2Endpoint"),
            ("GLUE2EndpointID", "https://fccont.kisti.re.kr:8787/_OCCI"),
            ("GLUE2EndpointInterfaceVersion", "1.1"),
            ("GLUE2EndpointInterfaceName", "OCCI"),
            ("GLUE2EndpointURL", "https://fccont.kisti.re.kr:8787/"),
        ],
    ),
]


def tree(entries: Entries = SITES) -> Tree:
    made = Tree()
    replaced = made.replace("test", [make_entry(dn, attributes) for dn, attributes in entries])
    assert not replaced.rejected
    return made


@dataclass
class Reply:
    """The answers to one request."""

    result: Result
    text: str = ""
    matched: str = ""
    entries: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    order: list[list[str]] = field(default_factory=list)
    """The attributes of each entry, as they came."""
    cookie: bytes | None = None


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self._message = 0

    async def search(
        self,
        base: str = "o=glue",
        scope: Scope = Scope.SUBTREE,
        chosen: Filter = EVERYTHING,
        attributes: Sequence[str] = (),
        *,
        size_limit: int = 0,
        types_only: bool = False,
        controls: bytes = b"",
    ) -> Reply:
        return await self.ask(search(base, scope, chosen, attributes, size_limit, types_only), controls)

    async def ask(self, operation: bytes, controls: bytes = b"") -> Reply:
        self._message += 1
        self.writer.write(message(self._message, operation, controls))
        return await self.reply()

    async def reply(self) -> Reply:
        reply = Reply(Result.SUCCESS)
        while True:
            content = await self._message_content()
            content.integer()
            tag, start, end = content.element()
            body = content.sub(start, end)
            if tag != 0x64:
                return _ended(reply, body, content)
            name = body.text()
            attributes = body.inside(SEQUENCE)
            found: dict[str, list[str]] = {}
            while attributes:
                attribute = attributes.inside(SEQUENCE)
                key, values = attribute.text(), attribute.inside(0x31)
                found[key] = []
                while values:
                    found[key].append(values.text())
            reply.entries[name] = found
            reply.order.append(list(found))

    async def _message_content(self) -> Reader:
        async with asyncio.timeout(20):
            head = await self.reader.readexactly(2)
            length = head[1]
            if length & 0x80:
                octets = await self.reader.readexactly(length & 0x7F)
                head, length = head + octets, int.from_bytes(octets)
            return Reader(head + await self.reader.readexactly(length)).inside(SEQUENCE)


def _ended(reply: Reply, body: Reader, content: Reader) -> Reply:
    reply.result = Result(body.integer(ENUMERATED))
    reply.matched, reply.text = body.text(), body.text()
    if content:
        control = content.inside(0xA0).inside(SEQUENCE)
        control.text()
        page = Reader(control.octets()).inside(SEQUENCE)
        page.integer()
        reply.cookie = page.octets()
    return reply


def message(number: int, operation: bytes, controls: bytes = b"") -> bytes:
    return tlv(SEQUENCE, integer(number) + operation + (tlv(0xA0, controls) if controls else b""))


def control(oid: str, *, critical: bool = False, value: bytes = b"") -> bytes:
    return tlv(
        SEQUENCE,
        text(oid) + (tlv(BOOLEAN, b"\xff") if critical else b"") + (tlv(OCTETS, value) if value else b""),
    )


def text(value: str, tag: int = OCTETS) -> bytes:
    return tlv(tag, value.encode())


def bind(version: int = 3, name: str = "", password: bytes = b"", *, sasl: bool = False) -> bytes:
    proof = tlv(0xA3, text("EXTERNAL")) if sasl else tlv(0x80, password)
    return tlv(0x60, integer(version) + text(name) + proof)


def search(
    base: str,
    scope: Scope,
    chosen: Filter,
    attributes: Sequence[str] = (),
    size_limit: int = 0,
    types_only: bool = False,
) -> bytes:
    listed = tlv(SEQUENCE, b"".join(text(each) for each in attributes))
    flags = tlv(BOOLEAN, b"\xff" if types_only else b"\0")
    head = text(base) + integer(scope, ENUMERATED) + integer(0, ENUMERATED) + integer(size_limit) + integer(0)
    return tlv(0x63, head + flags + encoded(chosen) + listed)


def encoded(term: Filter) -> bytes:
    """A filter as clients send it."""
    match term:
        case And(terms):
            return tlv(Tag.AND, b"".join(encoded(each) for each in terms))
        case Or(terms):
            return tlv(Tag.OR, b"".join(encoded(each) for each in terms))
        case Not(inner):
            return tlv(Tag.NOT, encoded(inner))
        case Present(attribute):
            return text(attribute, Tag.PRESENT)
        case Substrings(attribute, initial, middle, final):
            pieces = text(initial, Tag.INITIAL) if initial else b""
            pieces += b"".join(text(each, Tag.ANY) for each in middle)
            pieces += text(final, Tag.FINAL) if final else b""
            return tlv(Tag.SUBSTRINGS, text(attribute) + tlv(SEQUENCE, pieces))
        case Extensible():
            return tlv(Tag.EXTENSIBLE, text("caseExactMatch", 0x81) + text("x", 0x83))
    tags = {Equal: Tag.EQUAL, AtLeast: Tag.AT_LEAST, AtMost: Tag.AT_MOST, Approx: Tag.APPROX}
    return tlv(tags[type(term)], text(term.attribute) + text(term.value))


@asynccontextmanager
async def running(made: Tree | None = None, limits: Limits | None = None) -> AsyncIterator[tuple[LdapServer, int]]:
    server = LdapServer(tree() if made is None else made, suffixes=("o=glue",), limits=limits or Limits())
    async with serving(server, "127.0.0.1", 0) as (_host, port):
        yield server, port


@asynccontextmanager
async def client(port: int) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
