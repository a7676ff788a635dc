"""Tables and queries of membership. Names of people's certificates are kept in their RFC 4514 form, which is unambiguous."""

from hansa.federation.membership.store.tables import metadata

__all__ = ["metadata"]
