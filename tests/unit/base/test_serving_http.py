"""What a peer may send, how much, how slowly; and how a server ends."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.echo import echo
from tests.support.tls import authority, certificate
from tests.support.wire import Answer, Wire, client_context

from hansa.base.errors import ConfigurationError
from hansa.base.serving import Limits, Listener, Tls, running

PLAIN = Listener("plain")
QUICK = Limits(handshake=0.3, head=0.3, body=0.3, keep_alive=1, head_size=4096, body_size=1000)


@pytest.fixture(params=["plain", "tls"])
def listener(request: pytest.FixtureRequest, tmp_path: Path) -> Listener:
    if request.param == "plain":
        return Listener("it")
    host = certificate(authority(), "host").write(tmp_path / "host.pem")
    return Listener("it", tls=Tls(host, host))


async def connected(server: Any, listener: Listener) -> Wire:
    return await Wire.to(server.port("it"), client_context() if listener.tls else None)


async def test_a_request_and_the_next_on_one_connection(listener):
    async with running(echo, [listener]) as server, await connected(server, listener) as wire:
        assert json.loads((await wire.get("/a?b=c")).body)["query"] == "b=c"
        assert json.loads((await wire.get("/d")).body)["path"] == "/d"


async def test_the_server_header_is_the_applications_alone(listener):
    async with running(echo, [listener]) as server, await connected(server, listener) as wire:
        answer = await wire.get()
    names = [name.lower() for name, _ in answer.raw_headers]
    assert names.count("server") == 1
    assert names.count("date") == 1
    assert answer.headers["server"] == "echo"


async def test_pipelined_requests_are_answered_in_order(listener):
    async with running(echo, [listener]) as server, await connected(server, listener) as wire:
        await wire.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % number for number in range(5)))
        assert [json.loads((await wire.answer()).body)["path"] for _ in range(5)] == ["/0", "/1", "/2", "/3", "/4"]


async def test_twenty_kilobytes_of_user_data_fit_in_a_header(listener):
    async with running(echo, [listener]) as server, await connected(server, listener) as wire:
        answer = await wire.get("/", f'X-OCCI-Attribute: data="{"A" * 22_000}"')
    assert len(json.loads(answer.body)["headers"][1][1]) > 22_000


@pytest.mark.parametrize("split", [False, True])
async def test_an_oversized_head_is_refused(listener, split):
    small = replace(listener, limits=QUICK)
    async with running(echo, [small]) as server, await connected(server, listener) as wire:
        await wire.send(b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 5000)
        await wire.send(b"" if split else b"\r\n\r\n")
        answer = await wire.rest()
    assert answer.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400"))


async def test_a_body_declared_too_long_is_refused(listener):
    small = replace(listener, limits=QUICK)
    async with running(echo, [small]) as server, await connected(server, listener) as wire:
        await wire.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n" + b"b" * 5000)
        assert (await wire.answer()).status == 413


async def test_a_chunked_body_that_grows_too_long_is_refused(listener):
    small = replace(listener, limits=QUICK)
    async with running(echo, [small]) as server, await connected(server, listener) as wire:
        await wire.send(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        await wire.send((b"1f4\r\n" + b"c" * 500 + b"\r\n") * 4 + b"0\r\n\r\n")
        assert (await wire.answer()).status == 413


async def test_a_client_that_waits_for_100_continue_is_refused_before_it_sends(listener):
    small = replace(listener, limits=QUICK)
    async with running(echo, [small]) as server, await connected(server, listener) as wire:
        await wire.send(b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5000\r\n\r\n")
        assert (await wire.answer()).status == 413


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n"])
async def test_a_head_that_never_ends_is_cut(listener, sent):
    async with running(echo, [replace(listener, limits=QUICK)]) as server, await connected(server, listener) as wire:
        await wire.send(sent)
        assert await wire.rest() == b""


async def test_a_dripping_head_is_cut(listener):
    """The clock runs from the first byte: a byte now and then buys no time."""
    async with running(echo, [replace(listener, limits=QUICK)]) as server, await connected(server, listener) as wire:
        drip = asyncio.create_task(_drip(wire))
        assert await wire.rest() == b""
        drip.cancel()


async def test_a_second_head_that_never_ends_is_cut(listener):
    async with running(echo, [replace(listener, limits=QUICK)]) as server, await connected(server, listener) as wire:
        await wire.get()
        await wire.send(b"GET / HT")
        assert await wire.rest() == b""


async def test_a_body_that_falls_silent_is_cut(listener):
    async with running(echo, [replace(listener, limits=QUICK)]) as server, await connected(server, listener) as wire:
        await wire.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nabc")
        assert await wire.rest() == b""


async def test_connections_beyond_the_limit_are_dropped(listener):
    few = replace(listener, limits=Limits(connections=2))
    async with running(echo, [few]) as server, await connected(server, listener) as one:
        async with await connected(server, listener) as two:
            assert (await one.get()).status == (await two.get()).status == 200
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await _one_request(server, listener)
        assert (await _one_request(server, listener)).status == 200


async def test_rubbish_is_answered_with_400(listener):
    async with running(echo, [listener]) as server, await connected(server, listener) as wire:
        await wire.send(b"\x00\x01\x02 rubbish\r\n\r\n")
        assert (await wire.rest()).startswith(b"HTTP/1.1 400")


async def test_an_open_request_is_finished_before_the_server_ends(listener):
    entered, go = asyncio.Event(), asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            entered.set()
            await go.wait()
        await echo(scope, receive, send)

    async with asyncio.timeout(20):
        async with running(slow, [listener]) as server:
            wire = await connected(server, listener)
            idle = await connected(server, listener)
            port = server.port("it")
            answer = asyncio.create_task(wire.get())
            await entered.wait()
            asyncio.get_running_loop().call_later(0.3, go.set)
        assert (await answer).status == 200
        assert await idle.rest() == b""
        with pytest.raises(ConnectionRefusedError):
            await Wire.to(port)
    await wire.__aexit__()
    await idle.__aexit__()


async def test_a_request_that_outlives_the_grace_is_cut(listener):
    cut = asyncio.Event()

    async def endless(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return await echo(scope, receive, send)
        try:
            await asyncio.sleep(1000)
        finally:
            cut.set()

    async with asyncio.timeout(20):
        async with running(endless, [listener], grace=0.1) as server:
            wire = await connected(server, listener)
            await wire.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            await asyncio.sleep(0.1)
        await wire.rest()
        assert cut.is_set()
    await wire.__aexit__()


async def test_a_large_answer_to_a_slow_reader_arrives_whole(listener):
    size = 8 * 1024 * 1024

    async def large(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await echo(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % size)]})
        for _ in range(size // 65536):
            await send({"type": "http.response.body", "body": b"d" * 65536, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async with running(large, [listener]) as server, await connected(server, listener) as wire:
        await wire.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.sleep(0.3)
        assert len((await wire.answer()).body) == size


async def test_a_peer_that_stops_reading_is_cut(listener):
    gone = asyncio.Event()

    async def endless(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await echo(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while not gone.is_set():
            await send({"type": "http.response.body", "body": b"d" * 65536, "more_body": True})
            if (await _soon(receive)).get("type") == "http.disconnect":
                gone.set()

    impatient = replace(listener, limits=Limits(stall=0.5))
    async with running(endless, [impatient]) as server, await connected(server, listener) as wire:
        wire.writer.transport.pause_reading()
        await wire.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.wait_for(gone.wait(), 30)


async def test_several_listeners_serve_one_application(tmp_path):
    unix = Listener("unix", unix=tmp_path / "s.sock")
    async with running(echo, [PLAIN, Listener("second"), unix]) as server:
        for name in ("plain", "second"):
            async with await Wire.to(server.port(name)) as wire:
                assert json.loads((await wire.get()).body)["listener"] == name
        async with await Wire.to_unix(tmp_path / "s.sock") as wire:
            assert json.loads((await wire.get()).body)["listener"] == "unix"
        assert (tmp_path / "s.sock").stat().st_mode & 0o777 == 0o660
    assert not (tmp_path / "s.sock").exists()


async def test_an_address_in_use_is_named(listener):
    async with running(echo, [PLAIN]) as server:
        taken = server.port("plain")
        with pytest.raises(ConfigurationError, match=f"port {taken}"):
            async with running(echo, [Listener("again", port=taken)]):
                pass


async def _one_request(server: Any, listener: Listener) -> Answer:
    async with await connected(server, listener) as wire:
        return await wire.get()


async def _soon(receive: Any) -> Any:
    """What the client does meanwhile, if anything."""
    try:
        return await asyncio.wait_for(receive(), 0.001)
    except TimeoutError:
        return {}


async def _drip(wire: Wire) -> None:
    for byte in b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 1000:
        await wire.send(bytes([byte]))
        await asyncio.sleep(0.05)
