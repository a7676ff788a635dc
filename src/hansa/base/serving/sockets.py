"""Listening sockets."""

import os
import socket
import stat
from pathlib import Path

from hansa.base.errors import ConfigurationError
from hansa.base.serving.listener import Listener


def bound_socket(listener: Listener) -> socket.socket:
    """A bound socket, not yet listening. Raises ConfigurationError naming the address."""
    try:
        return _unix(listener.unix, listener.unix_mode) if listener.unix else _tcp(listener.host, listener.port)
    except OSError as error:
        where = listener.unix or f"{listener.host} port {listener.port}"
        raise ConfigurationError(f"Listener {listener.name} cannot listen at {where}: {error.strerror}.") from error


def _tcp(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setblocking(False)
        sock.bind(address)
    except OSError:
        sock.close()
        raise
    return sock


def _unix(path: Path, mode: int) -> socket.socket:
    """A socket file that never exists with a wider mode than asked; one that a dead process left is replaced."""
    if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
        path.unlink()
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o777 & ~mode)
    try:
        sock.setblocking(False)
        sock.bind(str(path))
    except OSError:
        sock.close()
        raise
    finally:
        os.umask(before)
    return sock
