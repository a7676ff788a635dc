"""HTTP digest authentication (RFC 7616, `qop=auth` or none), for the sites that still ask for it."""

import hashlib
import re
import secrets

from hansa.client.keystone import Password

_ALGORITHMS = {"MD5": "md5", "SHA-256": "sha256"}
_PARAMETER = re.compile(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^,\s]+))')


def digest_authorization(challenge: str, login: Password, method: str, target: str) -> str | None:
    """The `Authorization` header that answers a `WWW-Authenticate: Digest …`; None if we cannot."""
    scheme, _blank, rest = challenge.strip().partition(" ")
    given = {match[1].lower(): match[2] if match[2] is not None else match[3] for match in _PARAMETER.finditer(rest)}
    algorithm = given.get("algorithm", "MD5").upper()
    choices = [word.strip() for word in given.get("qop", "").split(",") if word.strip()]
    if scheme.lower() != "digest" or algorithm not in _ALGORITHMS or (choices and "auth" not in choices):
        return None
    realm, nonce = given.get("realm", ""), given.get("nonce", "")

    def hashed(text: str) -> str:
        return hashlib.new(_ALGORITHMS[algorithm], text.encode(), usedforsecurity=False).hexdigest()

    user = hashed(f"{login.username}:{realm}:{login.password}")
    wish = hashed(f"{method}:{target}")
    fields = {"username": login.username, "realm": realm, "nonce": nonce, "uri": target}
    if "opaque" in given:
        fields["opaque"] = given["opaque"]
    tail = f", algorithm={algorithm}"
    if choices:
        client_nonce = secrets.token_hex(8)
        fields["cnonce"] = client_nonce
        fields["response"] = hashed(f"{user}:{nonce}:00000001:{client_nonce}:auth:{wish}")
        tail += ", qop=auth, nc=00000001"
    else:
        fields["response"] = hashed(f"{user}:{nonce}:{wish}")
    return "Digest " + ", ".join(f'{name}="{value}"' for name, value in fields.items()) + tail
