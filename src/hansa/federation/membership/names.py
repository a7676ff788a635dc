"""Names that may stand in a FQAN (GFD.182 §3.4): `/vo/group/Role=role`, of letters, digits, `.`, `_` and `-`."""

import re

from hansa.federation.membership.errors import InvalidName

PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
GROUP_DEPTH = 10
WORDS = "letters, digits, '.', '_' and '-', beginning with a letter or digit"


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
