"""A document: a signed line, and below it the page that it vouches for.

    <JWT of typ `memberfeed+jwt`>\\n<page>

The JWT's claims: `iss` the federation, `aud` the one site it is for, `iat` and `exp`, `nonce` what the site said when it asked,
and `sha256` of the page. The nonce makes an old document worthless, however well it is signed.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hansa.standards.jwt import TOKEN_MAX, Key, KeySet, sign, verify
from hansa.standards.memberfeed.codec import MAX_PAGE, parse_page
from hansa.standards.memberfeed.errors import FeedError
from hansa.standards.memberfeed.model import Page

TYPE = "memberfeed+jwt"
SITE_TOKEN_TYPE = "hansa-site+jwt"  # noqa: S105  (a type, not a token)
"""Of the tokens with which sites that have no certificate say who they are."""
MEDIA_TYPE = "application/vnd.hansa.memberfeed"
LIFE = timedelta(minutes=5)
"""From signing to the last moment that a site applies it."""
MAX_DOCUMENT = MAX_PAGE + TOKEN_MAX + 1


@dataclass(frozen=True, slots=True)
class Document:
    """A page that was proved to come from the federation, for us, as the answer to our question. `issued`: when."""

    page: Page
    issued: datetime


def sign_document(page: bytes, key: Key, *, issuer: str, audience: str, nonce: str, now: datetime) -> bytes:
    """`page` as `render_page` gives it."""
    claims = {
        "iss": issuer,
        "aud": audience,
        "iat": int(now.timestamp()),
        "exp": int((now + LIFE).timestamp()),
        "nonce": nonce,
        "sha256": hashlib.sha256(page).hexdigest(),
    }
    return sign(claims, key, TYPE).encode() + b"\n" + page


def open_document(document: bytes, keys: KeySet, *, issuer: str, audience: str, nonce: str, now: datetime) -> Document:
    """Raises JwtError for a signature that does not serve, FeedError for what it vouches for."""
    if len(document) > MAX_DOCUMENT:
        raise FeedError("memberfeed.too_large", f"the document has more than {MAX_DOCUMENT} bytes")
    line, _newline, page = document.partition(b"\n")
    claims = verify(line.decode("latin-1"), keys, now=now, issuer=issuer, audience=audience, typ=TYPE)
    if not _same(claims.get("nonce"), nonce):
        raise FeedError("memberfeed.nonce", "it answers another question than ours: it is old, or was sent again")
    if not _same(claims.get("sha256"), hashlib.sha256(page).hexdigest()):
        raise FeedError("memberfeed.altered", "the page is not the one that was signed")
    issued = claims.get("iat")
    if not isinstance(issued, int) or isinstance(issued, bool):
        raise FeedError("memberfeed.syntax", "the document cannot be used: it does not say when it was issued")
    return Document(parse_page(page), datetime.fromtimestamp(issued, UTC))


def _same(given: object, expected: str) -> bool:
    return isinstance(given, str) and hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())
