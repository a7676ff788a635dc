"""The HTTP client against real sockets: odd peers are refused, and the reason is told."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from hansa.base.errors import BadRequest
from hansa.client.errors import BadReply, Timeout, Unreachable
from hansa.client.http import Http

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 2\r\n\r\nhi"


@contextmanager
def peer(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that runs `talk` on each connection."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        while True:
            try:
                connection, _address = listener.accept()
            except OSError:
                return
            with connection:
                talk(connection)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def answer(*replies: bytes) -> Callable[[socket.socket], None]:
    def talk(connection: socket.socket) -> None:
        for reply in replies:
            if not connection.recv(65536):
                return
            connection.sendall(reply)

    return talk


def test_a_reply_keeps_status_headers_and_body() -> None:
    with peer(answer(OK)) as url, Http(url) as client:
        reply = client.request("GET", "/")
    assert (reply.status, reply.reason, reply.body, reply.media_type) == (200, "OK", b"hi", "text/plain")
    assert [value for name, value in reply.headers if name == "X-A"] == ["1", "2"]
    assert reply.header("x-a") == "1"
    assert reply.header("x-b") is None


def test_a_kept_connection_that_was_closed_is_opened_again_for_a_reading() -> None:
    with peer(answer(OK)) as url, Http(url) as client:
        assert client.request("GET", "/").status == 200
        assert client.request("GET", "/").status == 200


def test_a_change_is_never_sent_twice() -> None:
    with peer(answer(OK)) as url, Http(url) as client:
        client.request("GET", "/")
        with pytest.raises(Unreachable, match="without an answer"):
            client.request("POST", "/", body=b"x")


def test_nobody_listening_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with Http(f"http://127.0.0.1:{port}/") as client, pytest.raises(Unreachable, match="Nothing answers"):
        client.request("GET", "/")


def test_silence_ends_in_a_timeout() -> None:
    release = threading.Event()

    def talk(_connection: socket.socket) -> None:
        release.wait(10)

    with peer(talk) as url, Http(url, timeout=0.1) as client:
        with pytest.raises(Timeout, match="did not answer within"):
            client.request("GET", "/")
        release.set()


def test_dripping_bytes_end_in_a_timeout() -> None:
    release = threading.Event()

    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not release.wait(0.02):
            connection.sendall(b"x")

    with peer(talk) as url, Http(url, timeout=0.2) as client:
        with pytest.raises(Timeout):
            client.request("GET", "/")
        release.set()


def test_too_much_is_refused() -> None:
    with peer(answer(OK)) as url, Http(url, max_body=1) as client, pytest.raises(BadReply, match="more than 1 bytes"):
        client.request("GET", "/")


@pytest.mark.parametrize(
    "reply", [b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 1000]
)
def test_what_is_not_http_is_refused(reply: bytes) -> None:
    with peer(answer(reply)) as url, Http(url) as client, pytest.raises(BadReply, match="does not answer in HTTP"):
        client.request("GET", "/")


@pytest.mark.parametrize("url", ["ftp://x/", "x", "https://", "http://h:abc/"])
def test_addresses_that_are_not_http_are_refused(url: str) -> None:
    with pytest.raises(BadRequest):
        Http(url)
