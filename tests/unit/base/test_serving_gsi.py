"""A `gsi` listener takes the bytes that VOMS clients really send, and answers in a form that they read."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.echo import echo
from tests.support.tls import authority, certificate, proxy
from tests.support.wire import Wire, client_context

from hansa.base.serving import LEGACY_VOMS_PATH, Gsi, Limits, Listener, Tls, running

USER = certificate(authority(), "user")
CPP_REST = (
    b"GET /generate-ac?fqans=/vo&lifetime=43200 HTTP/1.0\nUser-Agent: voms APIs 2.0\nAccept: */*\n"
    b"Host: localhost:15002\n\n"
)
JAVA_REST = (
    b"GET /generate-ac?fqans=/vo&lifetime=43200 HTTP/1.1\r\nUser-Agent: Java/17.0.15\r\nHost: localhost:15002\r\n"
    b"Accept: text/html, image/gif, image/jpeg, */*; q=0.2\r\nConnection: keep-alive\r\n\r\n"
)
LEGACY = b'<?xml version="1.0" encoding="US-ASCII"?><voms><command>G/vo</command><base64>1</base64><version>4</version></voms>'


@pytest.fixture
def listener(tmp_path: Path) -> Listener:
    host = certificate(authority(), "host").write(tmp_path / "host.pem")
    return Listener("vo", tls=Tls(host, host), gsi=Gsi())


async def reply(listener: Listener, tmp_path: Path, *pieces: bytes) -> bytes:
    client = client_context(proxy(USER).write(tmp_path / "proxy.pem"))
    async with running(echo, [listener]) as server, await Wire.to(server.port("vo"), client) as wire:
        for piece in pieces:
            await wire.send(piece)
        return await wire.rest()


@pytest.mark.parametrize(
    "pieces", [(b"0", CPP_REST), (b"0" + CPP_REST,), (CPP_REST,), (JAVA_REST,), (b"0", JAVA_REST[:10], JAVA_REST[10:])]
)
async def test_rest_is_answered_with_a_length_and_a_close(listener, tmp_path, pieces):
    head, _, body = (await reply(listener, tmp_path, *pieces)).partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    assert lines[0] == b"http/1.1 200 "[:12] + lines[0][12:]
    assert b"connection: close" in lines
    assert b"content-length: %d" % len(body) in lines
    assert b"chunked" not in head
    seen = json.loads(body)
    assert (seen["method"], seen["path"], seen["query"]) == ("GET", "/generate-ac", "fqans=/vo&lifetime=43200")
    assert len(seen["chain"]) == 2


@pytest.mark.parametrize(
    "pieces", [(b"0", LEGACY), (b"0" + LEGACY,), (LEGACY,), (b"0", LEGACY[:7], LEGACY[7:-3], LEGACY[-3:])]
)
async def test_bare_xml_reaches_the_application_and_the_answer_has_no_head(listener, tmp_path, pieces):
    seen = json.loads(await reply(listener, tmp_path, *pieces))
    assert (seen["method"], seen["path"], seen["length"]) == ("POST", LEGACY_VOMS_PATH, len(LEGACY))
    assert len(seen["chain"]) == 2


async def test_a_flood_of_zeros_is_no_request(listener, tmp_path):
    hasty = replace(listener, limits=Limits(head=0.3))
    seen = await reply(hasty, tmp_path, b"0" * 100_000)
    assert not seen or seen.startswith(b"HTTP/1.1 4")


async def test_xml_without_an_end_is_cut(listener, tmp_path):
    hasty = replace(listener, limits=Limits(head=0.3))
    assert await reply(hasty, tmp_path, LEGACY[:-7]) == b""


async def test_xml_beyond_64_kilobytes_is_cut(listener, tmp_path):
    assert await reply(listener, tmp_path, b"<voms>" + b"<command>A</command>" * 4000) == b""


async def test_only_a_gsi_listener_is_that_tolerant(listener, tmp_path):
    strict = replace(listener, gsi=None)
    assert (await reply(strict, tmp_path, b"0" + LEGACY + b"\r\n\r\n")).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    ("gsi", "refused", "taken"), [(Gsi(http=False), CPP_REST, LEGACY), (Gsi(xml=False), LEGACY, CPP_REST)]
)
async def test_a_form_that_is_switched_off_ends_the_connection(listener, tmp_path, gsi, refused, taken):
    """Java clients fall back to the other form only when nothing comes back."""
    listener = replace(listener, gsi=gsi)
    assert await reply(listener, tmp_path, b"0", refused) == b""
    assert await reply(listener, tmp_path, b"0", taken) != b""
