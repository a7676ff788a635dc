"""Headers that name an identity: scrubbed everywhere, read only from a trusted front."""

import hmac
import re
from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from itertools import count

from hansa.base.serving.listener import TrustedFront

Headers = list[tuple[bytes, bytes]]

IDENTITY = re.compile(
    rb"(?:http-)*(?:x-)*(?:"
    rb"(?:ssl|tls|grst|voms|oidc|mellon|shib|gssapi)(?:-.*)?"
    rb"|(?:forwarded-)?client-(?:cert|verify|dn|s-dn|i-dn)(?:-.*)?"
    rb"|(?:forwarded-|authenticated-)?(?:remote-)?user(?:-(?:dn|name|id))?|auth-type"
    rb"|hansa-(?:front-secret|assertion))"
)
"""Names (lower case, `_` as `-`) by which fronts and middlewares announce who the client is."""

PEM = re.compile(r"-----BEGIN CERTIFICATE-----\s*([A-Za-z0-9+/=\s]+?)\s*-----END CERTIFICATE-----")
CHAIN = 20  # certificates taken from a front


def canonical(name: bytes) -> bytes:
    """Servers of the CGI family take `SSL_CLIENT_CERT` and `Ssl-Client-Cert` for the same variable."""
    return name.lower().replace(b"_", b"-")


def scrubbed(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """The headers without those that look like an identity."""
    return [(name, value) for name, value in headers if not IDENTITY.fullmatch(canonical(name))]


def front_is_trusted(front: TrustedFront, peer: str | None, headers: Headers) -> bool:
    """Whether a request came from the front, and its chain from nobody else. `peer`: an address, None over a unix socket."""
    if peer is not None and not any(ip_address(peer) in network for network in front.peers):
        return False
    certificates = [name for name, _ in headers if canonical(name).startswith(b"ssl-client-cert")]
    if len(set(map(canonical, certificates))) < len(
        certificates
    ):  # the front overwrites one spelling and passes the other on
        return False
    shown = [value for name, value in headers if canonical(name) == b"x-hansa-front-secret"]
    return not front.secret or (len(shown) == 1 and hmac.compare_digest(shown[0], front.secret.encode()))


def forwarded_chain(headers: Headers) -> list[str]:
    """The client's chain as a trusted front forwards it, PEM, leaf first; empty without a certificate.

    `SSL_CLIENT_CERT` holds the leaf, `SSL_CLIENT_CERT_CHAIN_0`, `_1` … what came after it (mod_ssl, `+ExportCertData`). Header
    values cannot hold newlines: mod_headers turns them into spaces. Absent variables arrive as `(null)` or empty.
    """
    values = {canonical(name): value.decode("latin-1") for name, value in headers}
    leaf = _pem(values.get(b"ssl-client-cert", ""))
    if leaf is None:
        return []
    return [leaf, *_rest(values, leaf)]


def _rest(values: dict[bytes, str], leaf: str) -> Sequence[str]:
    rest: list[str] = []
    for number in count():
        pem = _pem(values.get(b"ssl-client-cert-chain-%d" % number, ""))
        if pem is None or number == CHAIN:
            return rest
        if number or pem != leaf:  # some front ends repeat the leaf at place 0
            rest.append(pem)
    raise AssertionError


def _pem(value: str) -> str | None:
    found = PEM.search(value)
    if not found:
        return None
    body = "".join(found[1].split())
    lines = (body[at : at + 64] for at in range(0, len(body), 64))
    return "\n".join(("-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""))
