"""The part of BER that LDAP uses (RFC 4511 §5.1): single-byte tags, definite lengths, and bounds on everything."""

from hansa.standards.ldap.errors import LdapCode, LdapError

SEQUENCE, SET, INTEGER, OCTETS, ENUMERATED, BOOLEAN = 0x30, 0x31, 0x02, 0x04, 0x0A, 0x01
_LENGTH_OCTETS = 4


def frame(buffer: bytes | bytearray, limit: int) -> int | None:
    """How many bytes the first message in the buffer has; None while its head is incomplete.

    Raises LdapError: `ldap.syntax` for what is no LDAP message, `ldap.too_large` for one of more than `limit` bytes.
    """
    if buffer and buffer[0] != SEQUENCE:
        raise LdapError(LdapCode.SYNTAX, "A message begins with a SEQUENCE")
    if len(buffer) < 2:
        return None
    octets = buffer[1] & 0x7F if buffer[1] & 0x80 else 0
    if octets > _LENGTH_OCTETS or buffer[1] == 0x80:
        raise LdapError(LdapCode.SYNTAX, "The length of a message is definite, and of four octets at most")
    if len(buffer) < 2 + octets:
        return None
    length = int.from_bytes(buffer[2 : 2 + octets]) if octets else buffer[1]
    whole = 2 + octets + length
    if whole > limit:
        raise LdapError(LdapCode.TOO_LARGE, f"A message of {whole} bytes is not taken; {limit} are")
    return whole


class Reader:
    """Reads the elements of one constructed value, in order. `data[start:end]` is its content."""

    __slots__ = ("_data", "_end", "_position")

    def __init__(self, data: bytes, start: int = 0, end: int | None = None) -> None:
        self._data = data
        self._position = start
        self._end = len(data) if end is None else end

    def __bool__(self) -> bool:
        """Whether there is more."""
        return self._position < self._end

    def peek(self) -> int:
        """The next tag. Raises LdapError at the end."""
        if not self:
            raise LdapError(LdapCode.SYNTAX, "An element is missing")
        return self._data[self._position]

    def element(self) -> tuple[int, int, int]:
        """The next element: tag, and where its content begins and ends."""
        data, position, end = self._data, self._position, self._end
        if position + 2 > end:
            raise LdapError(LdapCode.SYNTAX, "An element is missing or cut off")
        tag, length = data[position], data[position + 1]
        position += 2
        if tag & 0x1F == 0x1F:
            raise LdapError(LdapCode.SYNTAX, "LDAP has no tags of several octets")
        if length & 0x80:
            octets = length & 0x7F
            if not 0 < octets <= _LENGTH_OCTETS or position + octets > end:
                raise LdapError(LdapCode.SYNTAX, "A length is indefinite, too long or cut off")
            length = int.from_bytes(data[position : position + octets])
            position += octets
        if position + length > end:
            raise LdapError(LdapCode.SYNTAX, "An element is longer than what holds it")
        self._position = position + length
        return tag, position, position + length

    def expect(self, tag: int) -> tuple[int, int]:
        """As `element`, of that tag."""
        found, start, end = self.element()
        if found != tag:
            raise LdapError(LdapCode.SYNTAX, f"An element has tag {found:#04x} instead of {tag:#04x}")
        return start, end

    def inside(self, tag: int) -> "Reader":
        start, end = self.expect(tag)
        return Reader(self._data, start, end)

    def octets(self, tag: int = OCTETS) -> bytes:
        start, end = self.expect(tag)
        return self._data[start:end]

    def text(self, tag: int = OCTETS) -> str:
        return _text(self.octets(tag))

    def integer(self, tag: int = INTEGER) -> int:
        """Non-negative, and below 2^31 (`MaxInt` of RFC 4511)."""
        start, end = self.expect(tag)
        if not 0 < end - start <= 5:
            raise LdapError(LdapCode.SYNTAX, "A number has too many octets, or none")
        value = int.from_bytes(self._data[start:end], signed=True)
        if not 0 <= value < 2**31:
            raise LdapError(LdapCode.SYNTAX, "A number is out of range")
        return value

    def boolean(self, tag: int = BOOLEAN) -> bool:
        content = self.octets(tag)
        if len(content) != 1:
            raise LdapError(LdapCode.SYNTAX, "A truth value has one octet")
        return content != b"\0"

    def sub(self, start: int, end: int) -> "Reader":
        return Reader(self._data, start, end)

    def raw(self) -> bytes:
        """All content that is left."""
        start, self._position = self._position, self._end
        return self._data[start : self._end]

    def rest(self) -> str:
        """As `raw`, as text."""
        return _text(self.raw())

    def finish(self) -> None:
        if self:
            raise LdapError(LdapCode.SYNTAX, "Bytes follow where nothing may")


def _text(octets: bytes) -> str:
    """UTF-8 (RFC 4511 §4.1.2)."""
    try:
        return octets.decode()
    except UnicodeDecodeError:
        raise LdapError(LdapCode.SYNTAX, "A text is not UTF-8") from None


def tlv(tag: int, content: bytes) -> bytes:
    """One element."""
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(octets))) + octets + content


def integer(value: int, tag: int = INTEGER) -> bytes:
    """A non-negative number."""
    return tlv(tag, value.to_bytes(value.bit_length() // 8 + 1))
