"""OpenID Providers of others, as their clients see them (OpenID Connect Core and Discovery 1.0, RFC 6749, 7636, 7662).

An `Issuer` is known by its address alone; what it publishes is fetched through `Web`, which goes nowhere it should not.
"""

from hansa.client.oidc.guard import Guard
from hansa.client.oidc.issuer import Client, Issuer
from hansa.client.oidc.login import Attempt, Login, begin, finish
from hansa.client.oidc.metadata import Metadata, check_issuer_url
from hansa.client.oidc.web import Web

__all__ = ["Attempt", "Client", "Guard", "Issuer", "Login", "Metadata", "Web", "begin", "check_issuer_url", "finish"]
