"""Tables and queries of the provider. Secrets (codes, tokens, cookies) are kept as SHA-256: they are 256 random bits already."""

from hansa.federation.provider.store.tables import metadata

__all__ = ["metadata"]
