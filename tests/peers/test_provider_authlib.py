"""Authlib as a relying party of our OpenID Provider: it finds its way by discovery alone, and judges our tokens by itself."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet
from tests.support.provider_server import AtBrowser, Served, served

from hansa.federation.provider.model import GrantType

pytestmark = pytest.mark.peer
BACK = "https://rp.example.org/callback"
SCOPE = "openid profile email eduperson_entitlement wlcg.groups offline_access"


@pytest.fixture
async def op(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path) as found:
        yield found


def discovered(op: Served) -> dict[str, Any]:
    reply = requests.get(f"{op.url}/.well-known/openid-configuration", verify=str(op.ca), timeout=30)
    return dict(reply.json())


def client(op: Served, identifier: str, secret: str, **given: Any) -> OAuth2Session:
    session = OAuth2Session(identifier, secret or None, code_challenge_method="S256", **given)
    session.verify, session.trust_env = str(op.ca), False
    return session


def allowed(op: Served, url: str) -> str:
    """What a person does: log in, agree. Where the browser is sent in the end."""
    person = AtBrowser(op.ca)
    answer = person.log_in(person.get(url))
    answer = person.get(f"{op.url}{answer.location}")
    return person.submit(answer, "/oidc/consent", decision="allow").location


def judged(op: Served, document: dict[str, Any], token: dict[str, Any], identifier: str, nonce: str) -> CodeIDToken:
    """The ID token, if Authlib's rules accept it (OpenID Connect Core §3.1.3.7)."""
    keys = KeySet.import_key_set(requests.get(document["jwks_uri"], verify=str(op.ca), timeout=30).json())
    read = jwt.decode(token["id_token"], keys, algorithms=document["id_token_signing_alg_values_supported"])
    options = {"iss": {"essential": True, "value": document["issuer"]}, "aud": {"essential": True, "value": identifier}}
    claims = CodeIDToken(
        read.claims,
        read.header,
        options,
        {"nonce": nonce, "client_id": identifier, "access_token": token["access_token"]},
    )
    claims.validate()
    return claims


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
async def test_the_code_flow_from_discovery_to_logout(op: Served, method: str) -> None:
    identifier, secret = await op.register(name="RP", redirect_uris=(BACK,), confidential=method != "none")

    def flow() -> None:
        document = discovered(op)
        rp = client(op, identifier, secret, redirect_uri=BACK, scope=SCOPE, token_endpoint_auth_method=method)
        verifier, nonce = generate_token(48), secrets.token_urlsafe()
        url, state = rp.create_authorization_url(
            document["authorization_endpoint"], code_verifier=verifier, nonce=nonce
        )
        back = allowed(op, url)
        assert parse_qs(urlsplit(back).query)["iss"] == [document["issuer"]]
        token = rp.fetch_token(
            document["token_endpoint"], authorization_response=back, state=state, code_verifier=verifier
        )
        claims = judged(op, document, token, identifier, nonce)
        assert claims["sub"] == op.alice.uid
        assert op.entitlement in claims["eduperson_entitlement"]
        info = rp.get(document["userinfo_endpoint"]).json()
        assert (info["sub"], info["email"]) == (op.alice.uid, "alice@example.org")
        new = rp.refresh_token(document["token_endpoint"], refresh_token=token["refresh_token"])
        assert new["access_token"] != token["access_token"]
        if method != "none":
            seen = rp.introspect_token(document["introspection_endpoint"], token=new["access_token"]).json()
            assert (seen["active"], seen["username"]) == (True, "alice")
        assert rp.revoke_token(document["revocation_endpoint"], token=new["refresh_token"]).status_code == 200
        assert rp.get(document["userinfo_endpoint"]).status_code == 401

    await asyncio.to_thread(flow)


async def test_the_device_flow(op: Served) -> None:
    grants = frozenset({GrantType.DEVICE, GrantType.REFRESH})
    identifier, _ = await op.register(name="Terminal", confidential=False, grants=grants)

    def flow() -> None:
        document = discovered(op)
        device = requests.post(
            document["device_authorization_endpoint"],
            {"client_id": identifier, "scope": SCOPE},
            verify=str(op.ca),
            timeout=30,
        ).json()
        person = AtBrowser(op.ca)
        answer = person.log_in(person.get(device["verification_uri_complete"]))
        page = person.get(f"{op.url}{answer.location}")
        page = person.submit(page, "/oidc/device")
        person.submit(page, "/oidc/device", decision="allow")
        rp = client(op, identifier, "", token_endpoint_auth_method="none")
        token = rp.fetch_token(
            document["token_endpoint"],
            grant_type="urn:ietf:params:oauth:grant-type:device_code",
            device_code=device["device_code"],
        )
        assert rp.get(document["userinfo_endpoint"]).json()["sub"] == op.alice.uid
        assert token["refresh_token"]

    await asyncio.to_thread(flow)


async def test_a_service_acts_for_itself(op: Served) -> None:
    grants, scopes = frozenset({GrantType.CLIENT}), frozenset({"site.read"})
    identifier, secret = await op.register(
        name="Robot", grants=grants, scopes=scopes, audiences=("https://site.example",)
    )

    def flow() -> None:
        document = discovered(op)
        rp = client(op, identifier, secret, scope="site.read")
        token = rp.fetch_token(document["token_endpoint"], grant_type="client_credentials")
        keys = KeySet.import_key_set(requests.get(document["jwks_uri"], verify=str(op.ca), timeout=30).json())
        read = jwt.decode(token["access_token"], keys, algorithms=["RS256"])
        assert read.header["typ"] == "at+jwt"
        assert (read.claims["aud"], read.claims["sub"]) == ("https://site.example", identifier)

    await asyncio.to_thread(flow)
