"""The little DER that `cryptography.hazmat.asn1` does not write: values already encoded, put into containers."""

SEQUENCE = 0x30
SET = 0x31
INTEGER = 0x02
BIT_STRING = 0x03
OCTET_STRING = 0x04
UTF8_STRING = 0x0C
URI = 0x86
"""`[6] IMPLICIT IA5String` of GeneralName (RFC 5280 §4.2.1.6)."""


def context(number: int) -> int:
    """Identifier octet of a constructed, context-specific tag."""
    return 0xA0 | number


def tlv(tag: int, *parts: bytes | memoryview) -> bytes:
    """One value: identifier octet, shortest length, content (X.690 §10.1)."""
    content = b"".join(parts)
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    size = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(size))) + size + content
