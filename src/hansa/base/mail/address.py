"""Addresses (RFC 5321 §4.1.2): only forms that every server takes and that cannot be read in two ways."""

import re

from hansa.base.mail.model import InvalidAddress

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
MAX_LOCAL = 64
MAX_ADDRESS = 254


def check_address(text: str) -> str:
    """The address with its domain in lower case and in ASCII (`xn--…`). Raises InvalidAddress.

    No quoted local parts, comments, address literals, lists; the local part is kept as written.
    """
    address = text.strip(" ")
    local, at, domain = address.rpartition("@")
    ascii_domain = _ascii(domain) if at and len(address) <= MAX_ADDRESS else ""
    labels = ascii_domain.split(".")
    right = (
        _LOCAL.fullmatch(local)
        and len(local) <= MAX_LOCAL
        and len(local) + 1 + len(ascii_domain) <= MAX_ADDRESS
        and all(_LABEL.fullmatch(label) for label in labels)
        and (ascii_domain == "localhost" or (len(labels) > 1 and not labels[-1].isdigit()))
    )
    if not right:
        raise InvalidAddress("This is no e-mail address; write it like name@example.org.", field="email")
    return f"{local}@{ascii_domain}"


def _ascii(domain: str) -> str:
    try:
        return domain.lower().encode("idna").decode("ascii").lower()
    except UnicodeError:
        return ""
