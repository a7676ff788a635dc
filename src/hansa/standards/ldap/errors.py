"""How LDAP messages are refused."""

from enum import StrEnum

from hansa.standards.errors import StandardError


class LdapCode(StrEnum):
    SYNTAX = "ldap.syntax"
    TOO_LARGE = "ldap.too_large"
    TOO_DEEP = "ldap.too_deep"
    TOO_MANY = "ldap.too_many"
    UNKNOWN = "ldap.unknown"
    DN = "ldap.dn"


class LdapError(StandardError):
    """A message, filter or name that is refused."""

    def __init__(self, code: LdapCode, reason: str) -> None:
        super().__init__(code.value, reason)
