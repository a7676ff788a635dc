"""Where answers may be sent: redirect addresses of clients (RFC 6749 §3.1.2, RFC 8252, RFC 9700 §4.1)."""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlencode, urlsplit

from hansa.federation.provider.errors import InvalidClientData

LENGTH_MAX = 2000
_LOOPBACK = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]|localhost))(?::[0-9]{1,5})?((?:[/?].*)?)", re.DOTALL)
_CHARACTERS = re.compile(r"[\x21\x23-\x3B\x3D\x3F-\x5B\x5D\x5F\x61-\x7A\x7E]+")
"""Those of RFC 3986, without the ones that browsers correct."""
_ORIGIN = re.compile(
    r"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?=[/?]|$)|(?!https?:)[a-z][a-z0-9+.-]*:"
)
_PRIVATE_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+")


def check(uri: str, *, confidential: bool) -> str:
    """An address that a client may register: https, http on the user's own machine, or an application's own scheme."""
    try:
        parts = urlsplit(uri)
        _port = parts.port
    except ValueError:
        raise _unfit(uri, "is not an address") from None
    if (
        len(uri) > LENGTH_MAX
        or not _CHARACTERS.fullmatch(uri)
        or "#" in uri
        or "*" in uri
        or parts.username is not None
    ):
        raise _unfit(uri, "has a fragment, a user, a wildcard, or characters that do not belong there")
    if parts.scheme == "https" and origin(uri):
        return uri
    if _LOOPBACK.fullmatch(uri):
        return uri
    if not confidential and _PRIVATE_SCHEME.fullmatch(parts.scheme):
        return uri
    raise _unfit(
        uri, "must be https://…, http://127.0.0.1/… or, of a public client, a scheme such as org.example.app:/"
    )


def is_registered(uri: str, registered: Iterable[str]) -> bool:
    """To the letter, but that an application on the user's machine listens at any port (RFC 8252 §7.3)."""
    return any(uri == each or _is_same_loopback(uri, each) for each in registered)


def with_query(uri: str, parameters: Mapping[str, str]) -> str:
    """The address with parameters added to those it has."""
    return f"{uri}{'&' if '?' in uri else '?'}{urlencode(parameters)}"


def origin(uri: str) -> str:
    """Scheme, host and port, or an application's scheme: fit for a Content-Security-Policy. Empty for what has none."""
    match = _ORIGIN.match(uri)
    return match[0] if match else ""


def _is_same_loopback(uri: str, registered: str) -> bool:
    one, other = _LOOPBACK.fullmatch(uri), _LOOPBACK.fullmatch(registered)
    return one is not None and other is not None and one.groups() == other.groups() and bool(_CHARACTERS.fullmatch(uri))


def _unfit(uri: str, why: str) -> InvalidClientData:
    return InvalidClientData(f"{uri[:200]!r} {why}.", field="redirect_uri")
