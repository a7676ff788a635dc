"""Names of things and people.

Names that may stand in a FQAN (GFD.182 §3.4): `/vo/group/Role=role`, of letters, digits, `.`, `_` and `-`.
Names of people are in any script, in Unicode's composed form (NFC).
"""

import re
import unicodedata

from hansa.base.errors import BadRequest
from hansa.base.mail.address import check_address
from hansa.base.mail.model import InvalidAddress
from hansa.federation.membership.errors import InvalidName

PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
GROUP_DEPTH = 10
WORDS = "letters, digits, '.', '_' and '-', beginning with a letter or digit"
LOGIN = re.compile(r"[a-z][a-z0-9_]{0,31}")
LOCALE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}")
WEB = re.compile(r"https?://[A-Za-z0-9\[][\x21-\x7e]{0,490}")
URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[\x21-\x7e]{1,1000}")


def check_vo(name: str) -> str:
    if not PART.fullmatch(name):
        raise InvalidName(f"A VO's name consists of {WORDS}.")
    return name


def check_role(name: str) -> str:
    if not PART.fullmatch(name) or name.upper() == "NULL":
        raise InvalidName(f"A role's name consists of {WORDS}, and is not NULL.")
    return name


def check_group(vo: str, path: str) -> str:
    """`path` in full (`/vo/a/b`); it must lie in the VO."""
    root, *parts = path.removeprefix("/").split("/")
    if not path.startswith("/") or root != vo:
        raise InvalidName(f"A group of this VO begins with /{vo}.")
    if len(parts) > GROUP_DEPTH or not all(PART.fullmatch(part) for part in parts):
        raise InvalidName(f"The parts of a group's name consist of {WORDS}, {GROUP_DEPTH} deep at most.")
    return path


def ancestors(path: str) -> list[str]:
    """`/vo/a/b` -> `/vo`, `/vo/a`: what a member of a group belongs to as well."""
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(2, len(parts))]


def check_login(login: str) -> str:
    if not LOGIN.fullmatch(login):
        raise BadRequest(
            "A login begins with a small letter and has small letters, digits and '_' only, 32 at most.", field="login"
        )
    return login


def check_email(address: str) -> str:
    """An address that can be written to, or nothing."""
    try:
        return check_address(address) if address.strip() else ""
    except InvalidAddress as error:
        raise BadRequest(error.message, field="email") from error


def check_locale(tag: str) -> str:
    if tag and not LOCALE.fullmatch(tag):
        raise BadRequest("A language is given as a tag such as ko or en-GB.", field="locale")
    return tag


def check_issuer(issuer: str) -> str:
    """An identity provider's identifier: a URI."""
    if not URI.fullmatch(issuer):
        raise BadRequest("An identity provider is named by a URI, such as https://idp.example.org.", field="issuer")
    return issuer


def check_url(url: str, field: str) -> str:
    """An address that a browser may follow, or nothing."""
    if url and not WEB.fullmatch(url):
        raise BadRequest("An address begins with https:// or http://.", field=field)
    return url


def prose(text: str, field: str, limit: int) -> str:
    """Text of several lines, in NFC. Raises BadRequest for control characters and what is too long."""
    lines = text.replace("\r\n", "\n").split("\n")
    cleaned = "\n".join(one_line(line.replace("\t", " "), field, limit) for line in lines).strip()
    if len(cleaned) > limit:
        raise BadRequest(f"At most {limit} characters, please.", field=field)
    return cleaned


def one_line(text: str, field: str, limit: int) -> str:
    """`text` without white space around it, in NFC. Raises BadRequest for control characters and what is too long."""
    text = unicodedata.normalize("NFC", text).strip()
    if len(text) > limit:
        raise BadRequest(f"At most {limit} characters, please.", field=field)
    if any(unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} or c in _DIRECTIONS for c in text):
        raise BadRequest("A line of printable text, please: no control characters.", field=field)
    return text


_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # they make text look like another


def search_key(text: str) -> str:
    """What searching compares: without case, width or marks; `Müller` and `MULLER` are the same."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFC", "".join(c for c in parts if unicodedata.category(c) != "Mn"))
