"""Talking to VOMS servers over real TLS: both dialects, refusals, and servers that are not who they should be."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from tests.support.pki import Grid, split_credential, write_credential, write_secret

from hansa.client.errors import BadReply, ServerUntrusted, VomsRefused
from hansa.client.http import Http, tls_context
from hansa.client.voms import request_ac
from hansa.standards.voms import VomsServer
from hansa.standards.voms.wire import AcReply, AcRequest, ErrorReply, Warn, legacy, rest
from hansa.standards.x509 import Credential, Name

GRID = Grid(now=datetime.now(UTC))
USER = GRID.user()
AC = GRID.ac(USER)
Talk = Callable[[bytes], bytes]


def over_rest(reply: AcReply | ErrorReply) -> Talk:
    return lambda _asked: rest.render_http(rest.render_reply(reply))


def only_legacy(reply: AcReply | ErrorReply) -> Talk:
    def talk(asked: bytes) -> bytes:
        return legacy.render_reply(reply) if asked.startswith(b"<") else b""

    return talk


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = GRID.write(tmp_path_factory.mktemp("grid"))
    write_credential(directory / "proxy", GRID.proxy(USER))
    return directory


@contextmanager
def served(files: Path, host: Credential, talk: Talk) -> Iterator[int]:
    """A TLS server with that certificate on localhost; gives its port."""
    certificate, key = split_credential(host)
    (files / "server.pem").write_bytes(certificate)
    write_secret(files / "server.key", key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files / "server.pem", files / "server.key")
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        while True:
            try:
                plain, _address = listener.accept()
            except OSError:
                return
            try:
                with plain, context.wrap_socket(plain, server_side=True) as connection:
                    connection.sendall(talk(connection.recv(65536)))
            except OSError:  # the client left: it did not like us
                continue

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@contextmanager
def server(files: Path, talk: Talk, *, host: str = "localhost") -> Iterator[VomsServer]:
    """A server with a certificate for `host`; gives the vomses line of a server on localhost."""
    name = Name.from_x509(GRID.voms_server.leaf.subject)
    with served(files, GRID.host_credential(host), talk) as port:
        yield VomsServer(GRID.vo, "localhost", port, name, GRID.vo)


def ask(files: Path, at: VomsServer) -> AcReply:
    context = tls_context(certificates=files / "certificates", proxy=files / "proxy")
    return request_ac(at, AcRequest(), context, timeout=10)


@pytest.mark.parametrize("dialect", [over_rest, only_legacy])
def test_either_dialect_gives_the_certificate_and_its_warnings(files: Path, dialect: Callable[[AcReply], Talk]) -> None:
    given = AcReply(AC, (Warn.shortened("localhost", 1, 60),))
    with server(files, dialect(given)) as at:
        assert ask(files, at) == given


@pytest.mark.parametrize("dialect", [over_rest, only_legacy])
def test_a_refusal_carries_the_servers_words(files: Path, dialect: Callable[[ErrorReply], Talk]) -> None:
    with server(files, dialect(ErrorReply.suspended("AUP"))) as at, pytest.raises(VomsRefused) as caught:
        ask(files, at)
    assert "User is currently suspended! Suspension reason: AUP" in caught.value.message
    assert caught.value.details["refusal"] == "SuspendedUser"


@pytest.mark.parametrize("nonsense", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", b"220 smtp\r\n"])
def test_what_is_no_voms_server_is_told(files: Path, nonsense: bytes) -> None:
    with server(files, lambda _asked: nonsense) as at, pytest.raises(BadReply, match="not answer as a VOMS server"):
        ask(files, at)


def test_a_server_with_a_strangers_certificate_hears_nothing(files: Path) -> None:
    heard: list[bytes] = []

    def talk(asked: bytes) -> bytes:
        heard.append(asked)
        return b""

    with server(files, talk, host="stranger.example.org") as at, pytest.raises(ServerUntrusted, match="stranger"):
        ask(files, at)
    assert not any(heard)


def test_a_server_of_an_unknown_authority_is_not_trusted(files: Path, tmp_path: Path) -> None:
    (tmp_path / "certificates").mkdir()
    write_credential(tmp_path / "proxy", GRID.proxy(USER))
    with (
        server(files, over_rest(AcReply(AC))) as at,
        pytest.raises(ServerUntrusted, match="could not prove its identity"),
    ):
        ask(tmp_path, at)


def test_plain_https_checks_the_host_name(files: Path) -> None:
    with server(files, over_rest(AcReply(AC)), host="other.example.org") as at:
        context = tls_context(certificates=files / "certificates")
        with Http(f"https://localhost:{at.port}", tls=context) as http, pytest.raises(ServerUntrusted):
            http.request("GET", "/")
        anybody = tls_context(certificates=None, verify=False)
        with Http(f"https://localhost:{at.port}", tls=anybody) as http:
            assert http.request("GET", "/").status == 200


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


def test_a_revoked_server_is_not_trusted(tmp_path: Path, now: datetime) -> None:
    grid = Grid(now=now)
    host = grid.host_credential("localhost")
    grid.revoke(host)
    grid.write(tmp_path)
    assert "certificate revoked" in refusal(tmp_path, host).message


def test_where_revocation_lists_are_kept_a_stale_one_is_no_excuse(tmp_path: Path, now: datetime) -> None:
    grid = Grid(now=now)
    host = grid.host_credential("localhost")
    grid.write(tmp_path)
    for path in (tmp_path / "certificates").glob("*.r0"):
        path.write_bytes(Grid(now=now - timedelta(days=90)).crl().public_bytes(serialization.Encoding.PEM))
    refused = refusal(tmp_path, host)
    assert refused.details["next"] == "run fetch-crl, or have it run"


def test_without_revocation_lists_nobody_asks_for_one(tmp_path: Path, now: datetime) -> None:
    grid = Grid(now=now)
    host = grid.host_credential("localhost")
    grid.write(tmp_path)
    for path in (tmp_path / "certificates").glob("*.r0"):
        path.unlink()
    with served(tmp_path, host, over_rest(AcReply(AC))) as port, https(tmp_path, port) as http:
        assert http.request("GET", "/").status == 200


def https(trust: Path, port: int) -> Http:
    return Http(f"https://localhost:{port}", tls=tls_context(certificates=trust / "certificates"))


def refusal(trust: Path, host: Credential) -> ServerUntrusted:
    with (
        served(trust, host, over_rest(AcReply(AC))) as port,
        https(trust, port) as http,
        pytest.raises(ServerUntrusted) as caught,
    ):
        http.request("GET", "/")
    return caught.value
