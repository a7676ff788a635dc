"""Refusals of the provider. Those of the protocol have OAuth's names: the code's last part is what the client reads."""

from enum import StrEnum

from hansa.base.errors import BadRequest, Conflict, Forbidden, HansaError, NotFound, TooManyRequests, Unauthenticated


class Reason(StrEnum):
    """Why a proof or a token was refused; `details["reason"]`, beside the codes of certificates and of `standards.jwt`."""

    LIMITED_PROXY = "provider.limited_proxy"
    STRANGER = "provider.stranger"
    SUSPENDED = "provider.suspended"
    REVOKED = "provider.revoked"
    NO_PERSON = "provider.no_person"
    NO_MEMBERSHIP = "provider.no_membership"


class OAuthError(HansaError):
    """A refusal that a client reads as `error` and `error_description` (RFC 6749 §4.1.2.1, §5.2)."""

    code = "provider.invalid_request"
    status = 400

    @property
    def error(self) -> str:
        return self.code.rpartition(".")[2]


class InvalidRequest(OAuthError):
    code = "provider.invalid_request"


class InvalidClient(OAuthError):
    code = "provider.invalid_client"
    status = 401


class InvalidGrant(OAuthError):
    code = "provider.invalid_grant"


class InvalidScope(OAuthError):
    code = "provider.invalid_scope"


class InvalidTarget(OAuthError):
    """An audience that the client has not been allowed (RFC 8707 §2)."""

    code = "provider.invalid_target"


class UnauthorizedClient(OAuthError):
    code = "provider.unauthorized_client"


class UnsupportedGrantType(OAuthError):
    code = "provider.unsupported_grant_type"


class UnsupportedResponseType(OAuthError):
    code = "provider.unsupported_response_type"


class RequestNotSupported(OAuthError):
    code = "provider.request_not_supported"


class RequestUriNotSupported(OAuthError):
    code = "provider.request_uri_not_supported"


class AccessDenied(OAuthError):
    code = "provider.access_denied"


class LoginRequired(OAuthError):
    code = "provider.login_required"


class ConsentRequired(OAuthError):
    code = "provider.consent_required"


class AuthorizationPending(OAuthError):
    code = "provider.authorization_pending"


class SlowDown(OAuthError):
    code = "provider.slow_down"


class ExpiredToken(OAuthError):
    code = "provider.expired_token"


class InvalidToken(OAuthError):
    """A bearer token that is refused (RFC 6750 §3.1)."""

    code = "provider.invalid_token"
    status = 401


class InsufficientScope(OAuthError):
    code = "provider.insufficient_scope"
    status = 403


class LoginRefused(Unauthenticated):
    """Whatever was wrong with login or password: it is not told which."""

    code = "provider.login_refused"


class LoginLocked(TooManyRequests):
    code = "provider.login_locked"


class ForgedForm(Forbidden):
    """A form that this page did not make for this browser."""

    code = "provider.forged_form"


class BadRedirect(BadRequest):
    """An unknown client or an address that is not the client's: the browser is not sent there."""

    code = "provider.bad_redirect"


class UnknownUserCode(NotFound):
    code = "provider.unknown_user_code"


class NoSuchClient(NotFound):
    code = "provider.no_such_client"


class ClientExists(Conflict):
    code = "provider.client_exists"


class InvalidClientData(BadRequest):
    """What a client is registered with is not acceptable. `details["field"]` names it."""

    code = "provider.invalid_client_data"
