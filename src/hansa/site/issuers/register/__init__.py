"""What Keystone's API keeps of federation: identity providers, their protocols, mappings, service providers (OS-FEDERATION).

Those of the site's configuration stand among them and cannot be changed here.
"""

from hansa.site.issuers.register.model import (
    IdentityProvider,
    KeptMapping,
    Protocol,
    ServiceProvider,
)
from hansa.site.issuers.register.service import Register

__all__ = ["IdentityProvider", "KeptMapping", "Protocol", "Register", "ServiceProvider"]
