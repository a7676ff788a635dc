"""The TLS front: whoever proves possession of a key gets in, with the chain as shown; nothing stale, nothing old."""

import asyncio
import json
import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from OpenSSL import SSL
from tests.support.echo import echo
from tests.support.pki import Grid
from tests.support.tls import Holder, authority, certificate, proxy
from tests.support.wire import Wire, client_context

from hansa.base.errors import ConfigurationError
from hansa.base.serving import Limits, Listener, Tls, running

CA = authority()
USER = certificate(CA, "user")
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    host = certificate(CA, "host").write(tmp_path / "host.pem")
    return Listener("main", tls=Tls(host, host))


async def chain_seen(listener: Listener, client: ssl.SSLContext) -> list[str]:
    async with running(echo, [listener]) as server, await Wire.to(server.port("main"), client) as wire:
        return json.loads((await wire.get()).body)["chain"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", ["rfc", "limited", "legacy", "draft"])
async def test_a_proxy_reaches_the_application_with_its_chain(listener, tmp_path, kind, version):
    holder = proxy(USER, kind)
    client = client_context(holder.write(tmp_path / "proxy.pem"), version=version)
    assert await chain_seen(listener, client) == holder.pems()


async def test_a_chain_of_three_proxies_arrives_leaf_first(listener, tmp_path):
    holder = proxy(proxy(proxy(USER)))
    assert await chain_seen(listener, client_context(holder.write(tmp_path / "proxy.pem"))) == holder.pems()


async def test_a_certificate_of_an_unknown_authority_is_the_applications_matter(listener, tmp_path):
    stranger = certificate(authority(), "stranger")
    assert await chain_seen(listener, client_context(stranger.write(tmp_path / "stranger.pem"))) == stranger.pems()


@pytest.mark.parametrize("version", VERSIONS)
async def test_no_client_certificate_is_an_empty_chain(listener, version):
    assert await chain_seen(listener, client_context(version=version)) == []


async def test_a_public_listener_never_asks_for_a_certificate(listener, tmp_path):
    public = replace(listener, tls=replace(listener.tls, ask_client=False))
    assert await chain_seen(public, client_context(USER.write(tmp_path / "user.pem"))) == []


async def test_a_client_without_the_key_does_not_get_in(listener, tmp_path):
    """Possession is what TLS proves: somebody else's certificate with one's own key ends the handshake."""
    stolen = Holder(USER.certificate, certificate(CA, "thief").key, CA)
    with pytest.raises(ssl.SSLError, match=r"(?i)key.values.mismatch"):
        client_context(stolen.write(tmp_path / "stolen.pem"))


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_session_is_never_resumed(listener, tmp_path, version):
    """A resumed session would carry a leaf without its chain, perhaps of a user revoked since."""
    client = client_context(proxy(USER).write(tmp_path / "proxy.pem"), version=version)
    async with running(echo, [listener]) as server:
        first, reused = await asyncio.to_thread(_connect_twice, server.port("main"), client)
    assert not reused
    assert first


def _connect_twice(port: int, client: ssl.SSLContext) -> tuple[bool, bool | None]:
    def once(session: ssl.SSLSession | None) -> tuple[bytes, ssl.SSLSession | None, bool | None]:
        with socket.create_connection(("127.0.0.1", port), 10) as raw, client.wrap_socket(raw, session=session) as tls:
            tls.sendall(b"GET / HTTP/1.0\r\n\r\n")
            data = b"".join(iter(lambda: tls.recv(65536), b""))
            return data, tls.session, tls.session_reused

    data, session, _ = once(None)
    again, _, reused = once(session)
    return b"BEGIN CERTIFICATE" in data and b"BEGIN CERTIFICATE" in again, reused


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
async def test_tls_1_1_is_refused(listener):
    client = client_context(version=ssl.TLSVersion.TLSv1_1)
    client.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await chain_seen(listener, client)


async def test_a_null_cipher_is_refused(listener):
    client = client_context(version=ssl.TLSVersion.TLSv1_2)
    client.set_ciphers("eNULL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await chain_seen(listener, client)


@pytest.mark.parametrize("weak", ["AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA"])
async def test_a_cipher_without_forward_secrecy_or_authentication_is_refused(tmp_path, weak):
    Grid(now=datetime.now(UTC)).write(tmp_path)
    host = Listener("main", tls=Tls(tmp_path / "hostcert.pem", tmp_path / "hostkey.pem"))
    client = client_context(version=ssl.TLSVersion.TLSv1_2)
    client.set_ciphers(f"{weak}:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await chain_seen(host, client)


async def test_plain_http_to_a_tls_port_ends_the_connection(listener):
    async with running(echo, [listener]) as server, await Wire.to(server.port("main")) as wire:
        await wire.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"HTTP" not in await wire.rest()


async def test_an_sslv2_hello_ends_the_connection(listener):
    hello = bytes.fromhex("802e0100020015000000100100800200800600400400800700c00800803a1b2c3d4e5f60718293a4b5c6d7e8f9")
    async with running(echo, [listener]) as server, await Wire.to(server.port("main")) as wire:
        await wire.send(hello)
        assert len(await wire.rest()) < 16


async def test_a_handshake_that_never_ends_is_cut(listener):
    impatient = replace(listener, limits=Limits(handshake=0.2))
    async with running(echo, [impatient]) as server, await Wire.to(server.port("main")) as wire:
        await wire.send(b"\x16\x03\x01")
        assert await wire.rest() == b""


async def test_an_endless_client_chain_is_refused(listener, tmp_path):
    """OpenSSL takes 100 kB of certificates and no more."""
    holder = proxy(USER)
    path = holder.write(tmp_path / "proxy.pem")
    path.write_text(path.read_text() + USER.pems()[0] * 400)
    with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
        await chain_seen(listener, client_context(path))


async def test_new_connections_get_the_new_host_certificate_and_old_ones_live_on(listener, tmp_path):
    async with running(echo, [listener]) as server:
        port = server.port("main")
        async with await Wire.to(port, client_context()) as old:
            before = _host_serial(old)
            new = certificate(CA, "host")
            new.write(tmp_path / "new.pem").replace(tmp_path / "host.pem")
            async with asyncio.timeout(20):
                while await _serial_now(port) != new.certificate.serial_number:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            assert (await old.get()).status == 200
            assert before != new.certificate.serial_number


async def test_a_broken_new_key_leaves_the_old_one_at_work(listener, tmp_path):
    async with running(echo, [listener]) as server:
        port = server.port("main")
        before = await _serial_now(port)
        (tmp_path / "host.pem").write_text("rubbish")
        for _ in range(3):
            assert await _serial_now(port) == before


async def test_a_key_that_does_not_fit_stops_the_start(tmp_path):
    host = certificate(CA, "host").write(tmp_path / "host.pem")
    other = certificate(CA, "host").write(tmp_path / "other.pem")
    with pytest.raises(ConfigurationError, match="belong together"):
        async with running(echo, [Listener("main", tls=Tls(host, other))]):
            pass


def _host_serial(wire: Wire) -> int:
    shown = wire.writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    return x509.load_der_x509_certificate(shown).serial_number


async def _serial_now(port: int) -> int:
    async with await Wire.to(port, client_context()) as wire:
        return _host_serial(wire)


async def test_a_client_cannot_renegotiate(listener):
    """A renegotiation could put another client's certificate on an open connection."""
    async with running(echo, [listener]) as server:
        assert await asyncio.to_thread(_renegotiates, server.port("main")) is False


def _renegotiates(port: int) -> bool:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_max_proto_version(SSL.TLS1_2_VERSION)
    with socket.create_connection(("127.0.0.1", port), 10) as raw:
        raw.settimeout(None)  # pyOpenSSL wants a blocking socket
        tls = SSL.Connection(context, raw)
        tls.set_connect_state()
        tls.do_handshake()
        tls.renegotiate()
        try:
            tls.do_handshake()
            tls.send(b"GET / HTTP/1.0\r\n\r\n")
            tls.recv(1)
        except SSL.Error:
            return False
        return tls.total_renegotiations() > 0
