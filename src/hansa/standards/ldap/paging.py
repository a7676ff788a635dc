"""The value of the paged results control (RFC 2696 §2)."""

from hansa.standards.ldap.ber import SEQUENCE, Reader
from hansa.standards.ldap.errors import LdapCode, LdapError

COOKIE_MAX = 64


def parse_page(value: bytes) -> tuple[int, bytes]:
    """How many entries the page may have, and the cookie of the page before. Raises LdapError."""
    outer = Reader(value)
    page = outer.inside(SEQUENCE)
    outer.finish()
    size, cookie = page.integer(), page.octets()
    page.finish()
    if len(cookie) > COOKIE_MAX:
        raise LdapError(LdapCode.TOO_LARGE, "The cookie is not one of ours")
    return size, cookie
