"""Where requests may go that others have a say in: an issuer names the addresses of its own endpoints.

The public Internet, and the networks that the operator names. Addresses of this machine only for an issuer that is itself here;
link-local ones (metadata services of clouds) never. Names are resolved and judged before connecting, and the peer once more
after, so that a name with changing addresses gains nothing.
"""

import ipaddress
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from hansa.base.i18n import _
from hansa.client.errors import AddressRefused, Unreachable

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052
MAX_URL = 2048


@dataclass(frozen=True, slots=True)
class Guard:
    """`loopback`: the issuer is on this machine, and so may be what it names. `networks`: private ones that are meant."""

    networks: Sequence[Network] = ()
    loopback: bool = False

    def check_url(self, url: str) -> None:
        """Raises AddressRefused. `https`, and `http` only to this machine; no user, no fragment."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise _refused(url) from None
        is_plain = all("!" <= character <= "~" and character not in '"<>\\^`{|}' for character in url)
        if (
            len(url) > MAX_URL
            or not is_plain
            or not parts.hostname
            or parts.fragment
            or "@" in parts.netloc
            or port == 0
        ):
            raise _refused(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and self.loopback):
            raise _refused(url)
        for address in _resolved(parts.hostname, port or 443):
            self.check_address(address, only_loopback=parts.scheme == "http")

    def check_peer(self, connected: ssl.SSLSocket) -> None:
        """Raises AddressRefused."""
        self.check_address(ipaddress.ip_address(connected.getpeername()[0].partition("%")[0]))

    def check_address(self, address: Address, *, only_loopback: bool = False) -> None:
        """Raises AddressRefused."""
        real = _embedded(address)
        if real.is_loopback:
            allowed = self.loopback
        elif only_loopback or real.is_link_local or real.is_multicast or real.is_unspecified:
            allowed = False
        else:
            allowed = real.is_global or any(real in network for network in self.networks)
        if not allowed:
            raise AddressRefused(_("{address} is no address to go to for a token.").format(address=real))


def is_loopback(url: str) -> bool:
    """Whether the address names this machine itself, by number or as `localhost`."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _embedded(address: Address) -> Address:
    """The IPv4 address within an IPv6 one (mapped, RFC 4291; NAT64; 6to4), which is where the request ends up."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _resolved(host: str, port: int) -> list[Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable(_("The host name of {origin} is unknown.").format(origin=host)) from error
    return [ipaddress.ip_address(str(each[4][0]).partition("%")[0]) for each in found]


def _refused(url: str) -> AddressRefused:
    return AddressRefused(_("{address} is no address to go to for a token.").format(address=repr(url[:200])))
