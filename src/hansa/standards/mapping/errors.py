"""How mapping rules, and what they are applied to, are refused."""

from enum import StrEnum

from hansa.standards.errors import StandardError


class MappingCode(StrEnum):
    """Every refusal of `hansa.standards.mapping`."""

    SYNTAX = "mapping.syntax"
    SCHEMA = "mapping.schema"
    VERSION = "mapping.version"
    REGEX = "mapping.regex"
    DIRECT = "mapping.direct"
    ASSERTION = "mapping.assertion"
    NO_MATCH = "mapping.no_match"
    VALUE = "mapping.value"


class MappingError(StandardError):
    """`code` is a `MappingCode`; the sentence says where, such as `rules[0].remote[1]`."""

    def __init__(self, code: MappingCode, reason: str) -> None:
        super().__init__(code.value, reason)
