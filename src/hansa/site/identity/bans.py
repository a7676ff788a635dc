"""The ban list: who may not come in here, whatever their VO says.

One name a line: a certificate's subject in slash form (`/DC=org/CN=Some One`), an issuer of tokens and a subject of it
(`https://aai.example.org/ 8f3c@example.org`), or a local user's name; `#` begins a comment line.
A subject bans every certificate of that name, from whatever CA.
"""

from hansa.base.errors import ConfigurationError
from hansa.site.identity.model import LOCAL
from hansa.standards.errors import StandardError
from hansa.standards.x509 import Name


def parse_bans(text: bytes) -> frozenset[str]:
    """Names as in `Principal.names`. A line with two readings bans both; an unreadable one is a ConfigurationError."""
    try:
        lines = text.decode().splitlines()
    except UnicodeDecodeError as error:
        raise ConfigurationError("The ban list is not UTF-8.", key="identity.bans") from error
    banned: set[str] = set()
    for number, raw in enumerate(lines, 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        banned |= _names(line, number)
    return frozenset(banned)


def _names(line: str, number: int) -> set[str]:
    if line.startswith(("https://", "http://")):
        return {_token_name(line, number)}
    if not line.startswith("/"):
        return {LOCAL + line}
    try:
        return {name.rfc4514() for name in Name.readings(line)}
    except StandardError as error:
        message = f"Line {number} of the ban list is not a name: {error.reason}."
        raise ConfigurationError(message, key="identity.bans") from error


def _token_name(line: str, number: int) -> str:
    issuer, *subject = line.split(maxsplit=1)
    if not subject:
        message = f"Line {number} of the ban list names an issuer and no subject."
        raise ConfigurationError(message, key="identity.bans")
    return f"{issuer} {subject[0]}"
