"""What the provider can do, and its keys (OpenID Connect Discovery, RFC 8414)."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from hansa.base.i18n import languages
from hansa.federation.provider.desk import Desk
from hansa.federation.provider.model import GrantType
from hansa.federation.provider.scopes import KNOWN
from hansa.federation.provider.tokens import ID_ALGORITHM

HOUR = 3600
_AUTHENTICATION = ["client_secret_basic", "client_secret_post"]


def document(desk: Desk) -> Mapping[str, Any]:
    return {
        "issuer": desk.issuer,
        "authorization_endpoint": desk.url("/oidc/authorize"),
        "token_endpoint": desk.url("/oidc/token"),
        "device_authorization_endpoint": desk.url("/oidc/device_authorization"),
        "userinfo_endpoint": desk.url("/oidc/userinfo"),
        "introspection_endpoint": desk.url("/oidc/introspect"),
        "revocation_endpoint": desk.url("/oidc/revoke"),
        "end_session_endpoint": desk.url("/oidc/logout"),
        "jwks_uri": desk.url("/oidc/jwks"),
        "scopes_supported": list(KNOWN),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [grant.value for grant in GrantType],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ID_ALGORITHM],
        "token_endpoint_auth_methods_supported": [*_AUTHENTICATION, "none"],
        "introspection_endpoint_auth_methods_supported": _AUTHENTICATION,
        "revocation_endpoint_auth_methods_supported": [*_AUTHENTICATION, "none"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "claims_supported": [
            *("sub", "iss", "aud", "exp", "iat", "auth_time", "amr", "nonce", "name", "given_name", "family_name"),
            *("preferred_username", "locale", "email", "email_verified", "eduperson_entitlement", "entitlements"),
            *("voperson_id", "vo_attributes", "wlcg.ver", "wlcg.groups"),
        ],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "ui_locales_supported": list(languages()),
    }


def routes(desk: Desk) -> Sequence[BaseRoute]:
    async def discovery(_request: Request) -> Response:
        return JSONResponse(document(desk), headers=_cached(HOUR))

    async def jwks(_request: Request) -> Response:
        return JSONResponse(desk.ring().published.jwks(), headers=_cached(HOUR))

    return [
        Route("/.well-known/openid-configuration", discovery),
        Route("/.well-known/oauth-authorization-server", discovery),
        Route("/oidc/jwks", jwks),
    ]


def _cached(seconds: int) -> Mapping[str, str]:
    return {"Cache-Control": f"public, max-age={seconds}", "Access-Control-Allow-Origin": "*"}
