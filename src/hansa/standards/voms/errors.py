"""How VOMS input is refused: one exception, one enumerated code for each rule."""

from enum import StrEnum

from hansa.standards.errors import StandardError


class VomsCode(StrEnum):
    """Every refusal of `hansa.standards.voms`; docs/reference/x509-and-voms.md explains each."""

    FQAN_SYNTAX = "voms.fqan.syntax"
    FQAN_NOT_HELD = "voms.fqan.not_held"
    VO_NAME = "voms.vo_name"

    AC_MALFORMED = "voms.ac.malformed"
    AC_TOO_LARGE = "voms.ac.too_large"
    AC_HOLDER = "voms.ac.holder"
    AC_AUTHORITY = "voms.ac.authority"
    AC_ATTRIBUTES = "voms.ac.attributes"
    AC_EXTENSION = "voms.ac.extension"
    AC_ALGORITHM = "voms.ac.algorithm"
    AC_EXPIRED = "voms.ac.expired"
    AC_NOT_YET_VALID = "voms.ac.not_yet_valid"
    AC_LIFETIME = "voms.ac.lifetime"
    AC_TARGET = "voms.ac.target"
    AC_CERTIFICATES = "voms.ac.certificates"
    AC_ISSUER = "voms.ac.issuer"
    AC_UNKNOWN_SERVER = "voms.ac.unknown_server"
    AC_SIGNATURE = "voms.ac.signature"
    AC_KEY_IDENTIFIER = "voms.ac.key_identifier"

    LSC_SYNTAX = "voms.lsc.syntax"
    VOMSES_SYNTAX = "voms.vomses.syntax"

    REQUEST_TOO_LARGE = "voms.request.too_large"
    REQUEST_SYNTAX = "voms.request.syntax"
    REQUEST_PATH = "voms.request.path"
    REPLY_TOO_LARGE = "voms.reply.too_large"
    REPLY_SYNTAX = "voms.reply.syntax"


class VomsError(StandardError):
    """An attribute certificate, trust file or message that is refused; `code` is a `VomsCode`."""

    def __init__(self, code: VomsCode, reason: str, *, line: int | None = None, column: int | None = None) -> None:
        super().__init__(code.value, reason, line=line, column=column)
