"""The server: anonymous, read-only, LDAP v3 and v2. A reader of everything does not hold up the others, and cannot hold us."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from prometheus_client import Counter, Gauge

from hansa.base.telemetry.metrics import REGISTRY
from hansa.ldap.entry import Entry, make_entry
from hansa.ldap.project import Projection
from hansa.ldap.search import Found, Schema, everything, search
from hansa.ldap.tree import Tree
from hansa.standards.ldap import (
    Abandon,
    Bind,
    Change,
    Control,
    Extended,
    LdapError,
    Request,
    Result,
    Scope,
    Search,
    Unbind,
    frame,
    parse_request,
    render_result,
    search_done_control,
)
from hansa.standards.ldap.answers import PAGED, Answer
from hansa.standards.ldap.paging import parse_page

log = structlog.stdlib.get_logger(__name__)
_SLICE = 256
"""Entries encoded before others get their turn."""
_DISCONNECTION = "1.3.6.1.4.1.1466.20036"
"""Notice of disconnection (RFC 4511 §4.4.1)."""

searches = Counter("hansa_ldap_searches", "Searches answered, by result.", ["result"], registry=REGISTRY)
refused = Counter("hansa_ldap_refused", "Messages and connections refused, by reason.", ["reason"], registry=REGISTRY)
connected = Gauge("hansa_ldap_connections", "Open connections.", registry=REGISTRY)
_answered = {result: searches.labels(result.name.lower()) for result in Result}


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one peer. Times are seconds, sizes bytes."""

    message: int = 64 * 1024
    """The longest request."""
    pending: int = 32
    """Requests that wait on one connection before it is read no further."""
    connections: int = 4000
    per_address: int = 500
    idle: float = 300.0
    stall: float = 60.0
    """Longest time a peer may leave our answer unread."""
    search: float = 120.0


class LdapServer:
    """One tree, and who may be connected to it."""

    def __init__(
        self,
        tree: Tree,
        *,
        suffixes: Sequence[str],
        limits: Limits = Limits(),
        schema: Schema = everything,
        subschema: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.tree = tree
        self.limits = limits
        self.schema = schema
        self.root = _root_entry(suffixes)
        self.subschema = _subschema_entry(subschema or {})
        self._peers: dict[str, int] = {}
        self.connections = 0

    def admit(self, peer: str) -> bool:
        """Whether one more connection of that address is taken; it is counted until `leave`."""
        taken = self._peers.get(peer, 0)
        if self.connections >= self.limits.connections or taken >= self.limits.per_address:
            return False
        self.connections += 1
        self._peers[peer] = taken + 1
        connected.inc()
        return True

    def leave(self, peer: str) -> None:
        self.connections -= 1
        connected.dec()
        self._peers[peer] -= 1
        if not self._peers[peer]:
            del self._peers[peer]

    def find(self, asked: Search) -> Found:
        """As `search`, with the entries that stand outside the tree."""
        base = asked.base.strip().lower()
        if asked.scope is Scope.BASE and base in ("", "cn=subschema"):
            return Found(Result.SUCCESS, (self.subschema if base else self.root,))
        return search(self.tree, asked, self.schema)


def _root_entry(suffixes: Sequence[str]) -> Entry:
    attributes = [
        ("objectClass", "top"),
        *(("namingContexts", suffix) for suffix in suffixes),
        ("supportedControl", PAGED),
        ("supportedLDAPVersion", "2"),
        ("supportedLDAPVersion", "3"),
        ("subschemaSubentry", "cn=Subschema"),
        ("vendorName", "Hansa"),
    ]
    return make_entry("", attributes)


def _subschema_entry(subschema: Mapping[str, Sequence[str]]) -> Entry:
    attributes = [("objectClass", name) for name in ("top", "subentry", "subschema")] + [("cn", "Subschema")]
    return make_entry(
        "cn=Subschema", attributes + [(name, value) for name, values in subschema.items() for value in values]
    )


@asynccontextmanager
async def serving(server: LdapServer, host: str, port: int) -> AsyncIterator[tuple[str, int]]:
    """Listen while the block lasts; gives the address and port. OSError if that cannot be had."""
    loop = asyncio.get_running_loop()
    sessions: set[Session] = set()
    listening = await loop.create_server(lambda: Session(server, sessions), host, port, backlog=1024)
    try:
        bound = listening.sockets[0].getsockname()
        log.info("ldap.listening", host=bound[0], port=bound[1])
        yield bound[0], bound[1]
    finally:
        listening.close()
        for session in tuple(sessions):
            session.end()
        await listening.wait_closed()


class Session(asyncio.Protocol):
    """One connection: requests are answered one after the other, in order.

    Short answers are given at once, all of a batch in one write. A long one becomes a task that sends slice by slice, as fast as
    the peer reads; what came after it waits.
    """

    def __init__(self, server: LdapServer, sessions: "set[Session]") -> None:
        self._server = server
        self._sessions = sessions
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._waiting: deque[Request] = deque()
        self._answers: list[bytes] = []
        self._stream: asyncio.Task[None] | None = None
        self._streamed: int | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._transport: asyncio.Transport | None = None
        self._active = self._loop.time()
        self._idle: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None
        self._peer: str | None = None
        self._page: tuple[bytes, Search, Sequence[Entry]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        peer = (transport.get_extra_info("peername") or ("",))[0]
        if not self._server.admit(peer):
            refused.labels("connections").inc()
            transport.abort()
            return
        self._peer = peer
        self._sessions.add(self)
        self._idle = self._loop.call_later(self._server.limits.idle, self._expire)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._sessions.discard(self)
        self._waiting.clear()
        for timer in (self._idle, self._stalled):
            if timer:
                timer.cancel()
        if self._stream:
            self._stream.cancel()
        if self._peer is not None:
            self._server.leave(self._peer)

    def data_received(self, data: bytes) -> None:
        self._active = self._loop.time()
        self._buffer += data
        try:
            self._read()
        except LdapError as error:
            refused.labels(error.code).inc()
            self._disconnect(error.reason)

    def pause_writing(self) -> None:
        self._writable.clear()
        self._stalled = self._loop.call_later(self._server.limits.stall, self._give_up)

    def resume_writing(self) -> None:
        self._active = self._loop.time()
        if self._stalled:
            self._stalled.cancel()
        self._writable.set()
        self._pump()

    def end(self) -> None:
        if self._transport:
            self._transport.abort()

    def _read(self) -> None:
        position, limit = 0, self._server.limits.message
        while length := frame(self._buffer[position : position + 6], limit):
            if position + length > len(self._buffer):
                break
            self._take(parse_request(bytes(self._buffer[position : position + length])))
            position += length
        del self._buffer[:position]
        self._pump()

    def _take(self, request: Request) -> None:
        match request.operation:
            case Abandon(message):
                self._abandon(message)
                return
        self._waiting.append(request)
        if len(self._waiting) >= self._server.limits.pending and self._transport:
            self._transport.pause_reading()

    def _abandon(self, message: int) -> None:
        self._waiting = deque(request for request in self._waiting if request.message != message)
        if self._streamed == message:
            self._streamed = None

    def _pump(self) -> None:
        """Answer what waits, as long as answers are short and the peer reads them."""
        while self._waiting and self._stream is None and self._writable.is_set():
            self._answer(self._waiting.popleft())
        self._flush()
        if self._transport and not self._waiting and not self._transport.is_closing():
            self._transport.resume_reading()

    def _flush(self) -> None:
        if self._answers and self._transport:
            self._transport.write(b"".join(self._answers))
        self._answers.clear()

    def _answer(self, request: Request) -> None:
        critical = [each for each in request.controls if each.critical and each.oid != PAGED]
        match request.operation:
            case Search() as asked:
                if critical:
                    self._done(request, Result.UNAVAILABLE_CRITICAL_EXTENSION, critical[0].oid[:100])
                else:
                    self._search(request, asked)
            case Bind() as bind:
                self._answers.append(_bound(request.message, bind))
            case Unbind():
                self._flush()
                self._waiting.clear()
                if self._transport:
                    self._transport.close()
            case Change() as change:
                text = "This directory is read-only."
                self._answers.append(render_result(request.message, change.value[1], Result.UNWILLING_TO_PERFORM, text))
            case Extended(oid):
                text = f"There is no extended operation {oid[:100]}."
                self._answers.append(render_result(request.message, Answer.EXTENDED, Result.PROTOCOL_ERROR, text))

    def _search(self, request: Request, asked: Search) -> None:
        page = next((each for each in request.controls if each.oid == PAGED), None)
        if page is not None:
            self._paged(request, asked, page)
            return
        found = self._server.find(asked)
        entries, result = list(found.entries), found.result
        if asked.size_limit and len(entries) > asked.size_limit:
            entries, result = entries[: asked.size_limit], Result.SIZE_LIMIT_EXCEEDED
        self._give(request, asked, entries, result, found.reason, matched=found.matched)

    def _paged(self, request: Request, asked: Search, control: Control) -> None:
        """RFC 2696: the entries found first are given out page by page, whatever changes meanwhile."""
        try:
            size, cookie = parse_page(control.value)
        except LdapError as error:
            self._done(request, Result.PROTOCOL_ERROR, error.reason)
            return
        page, self._page = self._page, None  # one search at a time is paged on a connection
        if cookie:
            if page is None or page[:2] != (cookie, asked):
                self._done(request, Result.UNWILLING_TO_PERFORM, "The cookie is not of this search.")
                return
            entries = page[2]
        else:
            found = self._server.find(asked)
            if found.result is not Result.SUCCESS:
                self._done(request, found.result, found.reason, matched=found.matched)
                return
            entries = list(found.entries)
        rest, following = entries[size:], b""
        if rest and size:
            following = str(len(rest)).encode()
            self._page = (following, asked, rest)
        told = search_done_control(following, len(entries))
        self._give(request, asked, entries[:size], Result.SUCCESS, control=told)

    def _give(
        self,
        request: Request,
        asked: Search,
        entries: Sequence[Entry],
        result: Result,
        text: str = "",
        *,
        matched: str = "",
        control: bytes = b"",
    ) -> None:
        projection = Projection(asked.attributes, types_only=asked.types_only)
        if len(entries) <= _SLICE:
            self._answers.extend(projection.encode(request.message, entries))
            self._done(request, result, text, matched=matched, control=control)
            return
        self._flush()
        self._streamed = request.message
        self._stream = self._loop.create_task(self._slices(request, asked, projection, entries, result, control))
        self._stream.add_done_callback(self._end_of_stream)

    async def _slices(
        self,
        request: Request,
        asked: Search,
        projection: Projection,
        entries: Sequence[Entry],
        result: Result,
        control: bytes,
    ) -> None:
        seconds = self._server.limits.search
        end = self._loop.time() + (min(asked.time_limit, seconds) if asked.time_limit else seconds)
        for start in range(0, len(entries), _SLICE):
            await self._writable.wait()
            if self._streamed != request.message:
                return  # abandoned
            if self._loop.time() > end:
                result = Result.TIME_LIMIT_EXCEEDED
                break
            self._answers.extend(projection.encode(request.message, entries[start : start + _SLICE]))
            self._flush()
            await asyncio.sleep(0)
        self._done(request, result, control=control)

    def _end_of_stream(self, task: "asyncio.Task[None]") -> None:
        self._stream = self._streamed = None
        if task.cancelled():
            return
        if error := task.exception():
            log.error("ldap.failed", exc_info=error)
            self.end()
            return
        self._pump()

    def _done(
        self, request: Request, result: Result, text: str = "", *, matched: str = "", control: bytes = b""
    ) -> None:
        _answered[result].inc()
        self._answers.append(
            render_result(request.message, Answer.SEARCH, result, text, matched=matched, control=control)
        )

    def _disconnect(self, reason: str) -> None:
        self._buffer.clear()
        self._waiting.clear()
        if self._transport and not self._transport.is_closing():
            name = _DISCONNECTION.encode()
            self._answers.append(render_result(0, Answer.EXTENDED, Result.PROTOCOL_ERROR, reason, name=name))
            self._flush()
            self._transport.close()

    def _give_up(self) -> None:
        """The peer does not read."""
        refused.labels("stalled").inc()
        self.end()

    def _expire(self) -> None:
        """Ends what has been idle too long, else looks again when it could be."""
        left = self._active + self._server.limits.idle - self._loop.time()
        if left <= 0 and self._stream is None:
            self.end()
        else:
            self._idle = self._loop.call_later(max(left, 1.0), self._expire)


def _bound(message: int, bind: Bind) -> bytes:
    if bind.version not in (2, 3):
        return render_result(message, Answer.BIND, Result.PROTOCOL_ERROR, "Versions 2 and 3 are served.")
    if bind.password is None:
        return render_result(message, Answer.BIND, Result.AUTH_METHOD_NOT_SUPPORTED, "Bind anonymously.")
    if bind.name or bind.password:
        return render_result(message, Answer.BIND, Result.INVALID_CREDENTIALS, "Everybody is anonymous here.")
    return render_result(message, Answer.BIND, Result.SUCCESS)
