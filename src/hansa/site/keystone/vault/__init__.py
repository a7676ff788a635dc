"""Credentials that Keystone keeps for other services: EC2 keys, TOTP secrets, certificates. Sealed where they lie."""

from hansa.site.keystone.vault.model import Credential
from hansa.site.keystone.vault.service import Vault

__all__ = ["Credential", "Vault"]
