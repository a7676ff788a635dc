"""The file-name hashes of trust directories: what `openssl x509 -subject_hash` and `-subject_hash_old` print."""

import hashlib

from cryptography import x509
from cryptography.hazmat import asn1

from hansa.standards.x509.der import SEQUENCE, SET, UTF8_STRING, tlv


def subject_hash(name: x509.Name) -> str:
    """Eight hexadecimal digits: SHA-1 over OpenSSL's canonical encoding of the name (OpenSSL 1.0 and later)."""
    canonical = b"".join(tlv(SET, *sorted(_canonical(attribute) for attribute in rdn)) for rdn in name.rdns)
    return _first_word(hashlib.sha1(canonical, usedforsecurity=False).digest())


def subject_hash_old(name: x509.Name) -> str:
    """Eight hexadecimal digits: MD5 over the name's DER (OpenSSL before 1.0; old grid middleware)."""
    return _first_word(hashlib.md5(name.public_bytes(), usedforsecurity=False).digest())


def _canonical(attribute: x509.NameAttribute[str | bytes]) -> bytes:
    """Every string becomes UTF-8 in lower-case ASCII, trimmed, with runs of white space made one space."""
    if isinstance(attribute.value, bytes):
        value = tlv(0x03, b"\0", attribute.value)
    else:
        value = tlv(UTF8_STRING, b" ".join(attribute.value.encode().split()).lower())
    return tlv(SEQUENCE, asn1.encode_der(attribute.oid), value)


def _first_word(digest: bytes) -> str:
    return f"{int.from_bytes(digest[:4], 'little'):08x}"
