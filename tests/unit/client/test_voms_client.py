"""Talking to VOMS servers over real TLS: both dialects, refusals, and servers that are not who they should be."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.pki import Grid, split_credential, write_credential, write_secret

from hansa.client.errors import BadReply, ServerUntrusted, VomsRefused
from hansa.client.http import Http, tls_context
from hansa.client.voms import request_ac
from hansa.standards.voms import VomsServer
from hansa.standards.voms.wire import AcReply, AcRequest, ErrorReply, Warn, legacy, rest
from hansa.standards.x509 import Name

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
def server(files: Path, talk: Talk, *, host: str = "localhost") -> Iterator[VomsServer]:
    """A TLS server with a certificate for `host`; gives the vomses line of a server on localhost."""
    certificate, key = split_credential(GRID.host_credential(host))
    (files / f"{host}.pem").write_bytes(certificate)
    write_secret(files / f"{host}.key", key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files / f"{host}.pem", files / f"{host}.key")
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
    name = Name.from_x509(GRID.voms_server.leaf.subject)
    try:
        yield VomsServer(GRID.vo, "localhost", listener.getsockname()[1], name, GRID.vo)
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


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
