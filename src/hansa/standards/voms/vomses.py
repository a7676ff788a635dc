"""vomses files: where the VOMS servers of virtual organisations are."""

import re
from dataclasses import dataclass

from hansa.standards.voms.errors import VomsCode, VomsError
from hansa.standards.voms.fqan import check_vo_name
from hansa.standards.x509.errors import X509Error
from hansa.standards.x509.name import Name

_MAX_BYTES = 1_000_000
_FIELDS = re.compile(r'\s*"([^"]*)"')


@dataclass(frozen=True, slots=True)
class VomsServer:
    """One line of a vomses file."""

    alias: str
    host: str
    port: int
    name: Name
    """Of the server's host certificate."""
    vo: str

    def line(self) -> str:
        """As a line of a vomses file; the last field is the Globus version old clients want."""
        return f'"{self.alias}" "{self.host}" "{self.port}" "{self.name.slash()}" "{self.vo}" "24"'


def parse_vomses(data: bytes) -> tuple[VomsServer, ...]:
    """Read a vomses file: five or more quoted fields a line, blank lines and `#` comments apart.

    Raises `VomsError` (`voms.vomses.syntax`) with a line number.
    """
    if len(data) > _MAX_BYTES:
        raise VomsError(VomsCode.VOMSES_SYNTAX, f"The file is longer than {_MAX_BYTES} bytes")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise VomsError(VomsCode.VOMSES_SYNTAX, "The file is not UTF-8 text") from None
    lines = ((number, line.strip()) for number, line in enumerate(text.splitlines(), start=1))
    return tuple(_server(line, number) for number, line in lines if line and not line.startswith("#"))


def _server(line: str, number: int) -> VomsServer:
    fields = _FIELDS.findall(line)
    if len(fields) < 5 or _FIELDS.sub("", line).strip():
        raise VomsError(VomsCode.VOMSES_SYNTAX, 'Expected "alias" "host" "port" "server DN" "vo"', line=number)
    alias, host, port, name, vo = fields[:5]
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65536):
        raise VomsError(VomsCode.VOMSES_SYNTAX, f"{port[:20]!r} is not a port number", line=number)
    try:
        return VomsServer(alias, check_vo_name(host), int(port), Name.parse(name), check_vo_name(vo))
    except (X509Error, VomsError) as error:
        raise VomsError(VomsCode.VOMSES_SYNTAX, error.reason, line=number) from error
