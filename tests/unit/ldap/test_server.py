"""The server over real sockets: what clients get, and what bad ones do not achieve."""

import asyncio
from collections.abc import Callable

import pytest
from tests.support.ldap import SITES, bind, client, control, encoded, message, running, search, text, tree

from hansa.ldap import Limits, Tree, make_entry
from hansa.standards.ldap import Equal, Not, Present, Result, Scope
from hansa.standards.ldap.answers import PAGED
from hansa.standards.ldap.ber import OCTETS, SEQUENCE, integer, tlv

ENDPOINT = SITES[3][0]
TOP = make_entry("o=glue", [("objectClass", "organization"), ("o", "glue")])


def many(count: int) -> Tree:
    made = Tree()
    entries = [
        make_entry(f"cn={number},o=glue", [("objectClass", "device"), ("cn", f"{number:05d}" * 20)])
        for number in range(count)
    ]
    made.replace("many", [TOP, *entries])
    return made


async def until(reached: Callable[[], bool]) -> None:
    """Within twenty seconds."""
    async with asyncio.timeout(20):
        while not reached():  # noqa: ASYNC110  (the server tells nobody when a peer has gone)
            await asyncio.sleep(0.02)


def page(size: int, cookie: bytes = b"") -> bytes:
    return control(PAGED, critical=True, value=tlv(SEQUENCE, integer(size) + tlv(OCTETS, cookie)))


async def test_both_versions_bind_anonymously() -> None:
    async with running() as (_server, port), client(port) as peer:
        for version in (2, 3):
            assert (await peer.ask(bind(version))).result is Result.SUCCESS
        assert (await peer.ask(bind(4))).result is Result.PROTOCOL_ERROR
        assert (await peer.ask(bind(3, "cn=admin", b"x"))).result is Result.INVALID_CREDENTIALS
        assert (await peer.ask(bind(sasl=True))).result is Result.AUTH_METHOD_NOT_SUPPORTED


async def test_a_search_gives_entries_whole_and_in_their_order() -> None:
    async with running() as (_server, port), client(port) as peer:
        reply = await peer.search(chosen=Present("glue2endpointid"))
    assert list(reply.entries) == [ENDPOINT]
    assert reply.order == [["objectClass", *[name for name, _value in SITES[3][1]][1:]]]


async def test_attributes_are_chosen() -> None:
    async with running() as (_server, port), client(port) as peer:
        service = Present("glue2serviceid")
        some = await peer.search(chosen=service, attributes=["glue2servicetype", "absent"])
        assert list(some.entries.values()) == [{"GLUE2ServiceType": ["IaaS"]}]
        none = await peer.search(chosen=service, attributes=["1.1"])
        assert list(none.entries.values()) == [{}]
        types = await peer.search(chosen=service, attributes=["*"], types_only=True)
        assert all(values == [] for values in next(iter(types.entries.values())).values())


async def test_the_root_entry_tells_what_is_served() -> None:
    async with running() as (_server, port), client(port) as peer:
        [root] = (await peer.search("", Scope.BASE)).entries.values()
        assert root["namingContexts"] == ["o=glue"]
        assert root["supportedControl"] == [PAGED]
        [schema] = (await peer.search("cn=Subschema", Scope.BASE)).entries.values()
        assert "subschema" in schema["objectClass"]


async def test_refusals_are_as_the_standard_says() -> None:
    async with running() as (_server, port), client(port) as peer:
        missing = await peer.search("cn=no,o=glue")
        assert (missing.result, missing.matched) == (Result.NO_SUCH_OBJECT, "o=glue")
        assert (await peer.search("glue")).result is Result.INVALID_DN_SYNTAX
        strange = control("1.2.3.4", critical=True)
        assert (await peer.search(controls=strange)).result is Result.UNAVAILABLE_CRITICAL_EXTENSION
        assert (await peer.search(controls=control("1.2.3.4"))).result is Result.SUCCESS
        assert (await peer.ask(tlv(0x4A, b"o=glue"))).result is Result.UNWILLING_TO_PERFORM
        assert (await peer.ask(tlv(0x77, text("1.3.6.1.4.1.1466.20037", 0x80)))).result is Result.PROTOCOL_ERROR


async def test_a_size_limit_gives_so_many_and_says_so() -> None:
    async with running() as (_server, port), client(port) as peer:
        reply = await peer.search(size_limit=2)
    assert (len(reply.entries), reply.result) == (2, Result.SIZE_LIMIT_EXCEEDED)


async def test_pages_hold_everything_once_though_the_tree_changes() -> None:
    made = many(10)
    seen: list[str] = []
    async with running(made) as (_server, port), client(port) as peer:
        cookie = b""
        for _page in range(20):
            reply = await peer.search(controls=page(4, cookie))
            seen += reply.entries
            made.replace("many", [TOP])
            cookie = reply.cookie or b""
            if not cookie:
                break
        assert len(seen) == len(set(seen)) == 11
        stale = await peer.search(controls=page(4, b"7"))
        assert stale.result is Result.UNWILLING_TO_PERFORM


async def test_a_change_is_seen_by_the_next_search() -> None:
    made = many(3)
    async with running(made) as (_server, port), client(port) as peer:
        assert len((await peer.search()).entries) == 4
        made.replace("many", [TOP])
        assert len((await peer.search()).entries) == 1


async def test_requests_sent_at_once_are_answered_in_order() -> None:
    async with running() as (_server, port), client(port) as peer:
        for number in range(1, 101):
            peer.writer.write(message(number, search("o=glue", Scope.BASE, Present("objectclass"))))
        for _number in range(100):
            assert len((await peer.reply()).entries) == 1


async def test_a_reader_of_everything_does_not_hold_up_another() -> None:
    async with running(many(20_000)) as (_server, port), client(port) as greedy, client(port) as modest:
        greedy.writer.write(message(1, search("o=glue", Scope.SUBTREE, Present("cn"))))
        await greedy.writer.drain()
        assert len((await modest.search(scope=Scope.BASE)).entries) == 1
        assert len((await greedy.reply()).entries) == 20_000


async def test_who_does_not_read_is_let_go() -> None:
    limits = Limits(stall=0.2)
    async with running(many(50_000), limits) as (server, port), client(port) as lazy, client(port) as other:
        for number in range(1, 5):
            lazy.writer.write(message(number, search("o=glue", Scope.SUBTREE, Present("cn"))))
        await until(lambda: server.connections == 1)
        assert (await other.search(scope=Scope.BASE)).result is Result.SUCCESS


async def test_an_idle_connection_is_let_go() -> None:
    async with running(limits=Limits(idle=0.1)) as (_server, port), client(port) as peer:
        async with asyncio.timeout(10):
            assert await peer.reader.read() == b""


async def test_one_address_cannot_take_every_connection() -> None:
    async with running(limits=Limits(per_address=2)) as (server, port):
        async with client(port) as first, client(port) as second:
            for peer in (first, second):
                assert (await peer.search(scope=Scope.BASE)).result is Result.SUCCESS
            async with client(port) as third:
                with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                    await third.search()
        await until(lambda: not server.connections)
        async with client(port) as again:
            assert (await again.search(scope=Scope.BASE)).result is Result.SUCCESS


def _deep() -> bytes:
    term = encoded(Present("o"))
    for _level in range(10_000):
        term = tlv(0xA2, term)
    whole = search("", Scope.BASE, Present("o"))
    return message(1, tlv(0x63, whole[2 : -len(encoded(Present("o"))) - 2] + term + tlv(SEQUENCE, b"")))


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x30\x84\x7f\xff\xff\xff",
        b"\x30\x80\x02\x01\x01\x42\x00\x00\x00",
        b"\x30\x03\x02\x01\x01",
        _deep(),
    ],
)
async def test_what_is_no_ldap_ends_that_connection_alone(sent: bytes) -> None:
    async with running() as (_server, port), client(port) as bad, client(port) as good:
        bad.writer.write(sent)
        reply = await bad.reply()
        assert reply.result is Result.PROTOCOL_ERROR
        assert await bad.reader.read() == b""
        assert (await good.search(scope=Scope.BASE)).result is Result.SUCCESS


async def test_an_abandoned_search_stops() -> None:
    async with running(many(20_000)) as (_server, port), client(port) as peer:
        peer.writer.write(message(1, search("o=glue", Scope.SUBTREE, Present("cn"))))
        peer.writer.write(message(2, tlv(0x50, b"\x01")))
        peer.writer.write(message(3, search("o=glue", Scope.BASE, Present("o"))))
        assert "o=glue" in (await peer.reply()).entries


async def test_leaving_is_polite() -> None:
    async with running() as (_server, port), client(port) as peer:
        await peer.ask(bind())
        peer.writer.write(message(9, tlv(0x42, b"")))
        assert await peer.reader.read() == b""


async def test_a_filter_with_nothing_known_finds_nothing() -> None:
    async with running(tree()) as (_server, port), client(port) as peer:
        assert not (await peer.search(chosen=Equal("glue2serviceid", "nobody"))).entries
        assert (await peer.search(chosen=Not(Equal("glue2serviceid", "nobody")))).entries
