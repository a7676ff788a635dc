"""What an issuer publishes about itself (OpenID Connect Discovery 1.0 §3, RFC 8414)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from hansa.base.i18n import _
from hansa.client.errors import BadReply

WELL_KNOWN = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class Metadata:
    """Addresses are as published: `Web` judges each before it goes there."""

    issuer: str
    jwks_uri: str
    authorization_endpoint: str | None = None
    token_endpoint: str | None = None
    introspection_endpoint: str | None = None
    userinfo_endpoint: str | None = None
    end_session_endpoint: str | None = None
    takes_basic: bool = True
    """Whether clients may authenticate with HTTP Basic (RFC 6749 §2.3.1)."""
    names_itself: bool = False
    """Whether it says who it is when it sends the user back (RFC 9207)."""

    @classmethod
    def read(cls, document: Mapping[str, Any], issuer: str) -> "Metadata":
        """Raises BadReply if it is not about `issuer`, to the letter (Discovery §4.3), or names no keys."""
        if document.get("issuer") != issuer:
            raise BadReply(_("{issuer} does not call itself by that name.").format(issuer=issuer))
        jwks = _address(document, "jwks_uri")
        if jwks is None:
            raise BadReply(_("{issuer} publishes no keys.").format(issuer=issuer))
        methods = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        return cls(
            issuer=issuer,
            jwks_uri=jwks,
            authorization_endpoint=_address(document, "authorization_endpoint"),
            token_endpoint=_address(document, "token_endpoint"),
            introspection_endpoint=_address(document, "introspection_endpoint"),
            userinfo_endpoint=_address(document, "userinfo_endpoint"),
            end_session_endpoint=_address(document, "end_session_endpoint"),
            takes_basic=isinstance(methods, list) and "client_secret_basic" in methods,
            names_itself=document.get("authorization_response_iss_parameter_supported") is True,
        )


def check_issuer_url(url: str) -> str:
    """The address, if an issuer may have it (Discovery §2): no query, no fragment, nothing to confuse it with another.

    Raises ValueError. It is compared to the letter, a slash at the end included.
    """
    parts = urlsplit(url)
    if (
        parts.scheme not in ("https", "http")
        or not parts.hostname
        or parts.query
        or parts.fragment
        or "@" in parts.netloc
    ):
        raise ValueError("it must be https://HOST[/PATH]")
    if not all("!" <= character <= "~" and character not in '"<>\\^`{|}' for character in url):
        raise ValueError("it has characters that an address cannot have")
    return url


def _address(document: Mapping[str, Any], name: str) -> str | None:
    value = document.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise BadReply(_("{name} is no address.").format(name=name))
    return value
