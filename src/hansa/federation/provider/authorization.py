"""What an authorization request may ask (RFC 6749 §4.1.1, RFC 7636, OpenID Connect Core §3.1.2), and where its answer goes."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from hansa.federation.provider import addresses, scopes
from hansa.federation.provider.clients import Clients, audiences
from hansa.federation.provider.errors import (
    BadRedirect,
    InvalidRequest,
    OAuthError,
    RequestNotSupported,
    RequestUriNotSupported,
    UnauthorizedClient,
    UnsupportedResponseType,
)
from hansa.federation.provider.model import Client, CodeTerms, GrantType, LogIn
from hansa.federation.provider.parameters import Parameters

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_PROMPTS = frozenset({"none", "login", "consent", "select_account"})
_MAX_AGE = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Destination:
    """Where answers go: an address that the client has registered."""

    client: Client
    redirect_uri: str
    state: str | None

    def answer(self, issuer: str, parameters: Mapping[str, str]) -> str:
        """`iss` tells the client which provider it is (RFC 9207)."""
        state = {"state": self.state} if self.state is not None else {}
        return addresses.with_query(self.redirect_uri, {**parameters, **state, "iss": issuer})

    def refusal(self, issuer: str, error: OAuthError) -> str:
        return self.answer(issuer, {"error": error.error, "error_description": error.message})

    @property
    def is_assured(self) -> bool:
        """Whether only the client can get what is sent there; else people are asked each time (RFC 8252 §8.6)."""
        return self.client.confidential or self.redirect_uri.startswith("https:")


@dataclass(frozen=True, slots=True)
class Authorization:
    """A request that is in order. `max_age`: of the log-in, in seconds."""

    destination: Destination
    scope: tuple[str, ...]
    audiences: tuple[str, ...]
    challenge: str
    nonce: str | None
    prompt: frozenset[str]
    max_age: int | None
    hint: str | None

    @property
    def terms(self) -> CodeTerms:
        return CodeTerms(self.destination.redirect_uri, self.challenge, self.nonce)

    @property
    def client(self) -> Client:
        return self.destination.client

    def wants_login(self, login: LogIn | None, now: datetime) -> bool:
        """Whether it needs a log-in other than the present one."""
        if login is None or "login" in self.prompt or "select_account" in self.prompt:
            return True
        return self.max_age is not None and now - login.at > timedelta(seconds=self.max_age)


async def destination(clients: Clients, pairs: Iterable[tuple[str, str]]) -> Destination:
    """Raises BadRedirect: then there is nowhere to send an answer, and the person is told."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    ids, uris, states = (found.get(name, []) for name in ("client_id", "redirect_uri", "state"))
    client = await clients.get(ids[0]) if len(ids) == 1 and len(ids[0]) <= 64 else None
    if client is None:
        raise BadRedirect("The application that sent you here is not known to the federation.")
    if len(uris) != 1 or not addresses.is_registered(uris[0], client.redirect_uris):
        raise BadRedirect("The application asked to send you to an address that is not registered for it.")
    return Destination(client, uris[0], states[0] if len(states) == 1 else None)


def read(where: Destination, pairs: Iterable[tuple[str, str]]) -> Authorization:
    """Raises OAuthError, for the client to read."""
    parameters = Parameters(pairs)
    if parameters.get("request") is not None:
        raise RequestNotSupported("Request objects are not supported.")
    if parameters.get("request_uri") is not None:
        raise RequestUriNotSupported("Request objects are not supported.")
    if parameters.need("response_type") != "code":
        raise UnsupportedResponseType("Only the authorization code flow (response_type=code) is supported.")
    if GrantType.CODE not in where.client.grants:
        raise UnauthorizedClient("The client may not use the authorization code flow.")
    if parameters.get("response_mode") not in (None, "query"):
        raise InvalidRequest("Only response_mode=query is supported.")
    return Authorization(
        where,
        scopes.allowed(scopes.parse(parameters.get("scope") or ""), where.client.scopes),
        audiences(where.client, parameters.audiences()),
        _challenge(parameters),
        parameters.get("nonce"),
        _prompt(parameters),
        _max_age(parameters),
        parameters.get("login_hint"),
    )


def _challenge(parameters: Parameters) -> str:
    """RFC 7636 §4.3; `plain` protects nobody (RFC 9700 §2.1.1)."""
    if parameters.get("code_challenge_method") != "S256":
        raise InvalidRequest("PKCE is required: code_challenge with code_challenge_method=S256.")
    challenge = parameters.need("code_challenge")
    if not _CHALLENGE.fullmatch(challenge):
        raise InvalidRequest("The code_challenge is not a SHA-256 in base64url.")
    return challenge


def _prompt(parameters: Parameters) -> frozenset[str]:
    prompt = frozenset((parameters.get("prompt") or "").split())
    if not prompt <= _PROMPTS or ("none" in prompt and len(prompt) > 1):
        raise InvalidRequest("The prompt is none of none, login, consent, select_account, or none among others.")
    return prompt


def _max_age(parameters: Parameters) -> int | None:
    given = parameters.get("max_age")
    if given is None:
        return None
    if not _MAX_AGE.fullmatch(given):
        raise InvalidRequest("The max_age is not a number of seconds.")
    return int(given)
