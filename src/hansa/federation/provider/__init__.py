"""The membership service as an OpenID Provider for its members (docs/reference/openid-provider.md).

OpenID Connect Core, and OAuth 2.0 by its present security practice (RFC 9700): authorization code with PKCE, device flow, refresh
tokens that rotate, access tokens that end with the membership they speak of.
"""
