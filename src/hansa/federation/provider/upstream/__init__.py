"""Logging in with an identity provider of one's own institute: OpenID Connect or SAML 2.0.

What it says of a person is one more credential (`Subject`): it opens the account that it was linked to, and no other. Linking
needs both: the person is logged in here, and proves the other identity there.
"""
