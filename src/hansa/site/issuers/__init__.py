"""Tokens of foreign issuers (EGI Check-in, INDIGO IAM, the federation's own provider): whom a site believes, and what.

A token becomes a `Principal` as a certificate does: by entitlements a member of VOs, so that one policy serves both, or by
mapping rules a user with groups of the site's directory.
"""

from hansa.site.issuers.bearer import Bearer
from hansa.site.issuers.model import Provider, oidc_user

__all__ = ["Bearer", "Provider", "oidc_user"]
