"""Which clients there are, what they may register, and how they show who they are."""

import base64
import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.pki import Grid
from tests.support.provider import NATIVE, REDIRECT, basic, made_keys
from tests.support.voms import write_config

from hansa.cli.main import main
from hansa.federation.provider.addresses import check, is_registered, origin, with_query
from hansa.federation.provider.clients import Wanted
from hansa.federation.provider.errors import ClientExists, InvalidClientData, NoSuchClient
from hansa.federation.provider.model import GrantType
from hansa.federation.provider.store import clients as store

SERVICE = Wanted("Service", grants=frozenset({GrantType.CLIENT}), scopes=frozenset({"site.read"}))


@pytest.mark.parametrize(
    "uri",
    [
        "https://portal.example.org/callback",
        "https://portal.example.org:8443/cb?a=b",
        "https://[2001:db8::1]/cb",
        "http://127.0.0.1/cb",
        "http://localhost:4242/cb",
        "http://[::1]:80/",
        "org.example.app:/cb",
    ],
)
def test_addresses_of_applications_are_taken(uri):
    assert check(uri, confidential=False) == uri


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "portal",
        "/callback",
        "http://portal.example.org/cb",
        "http://127.0.0.1.evil.example/cb",
        "http://localhost.evil.example/cb",
        "http://127.0.0.1@evil.example/cb",
        "https://user@portal.example.org/cb",
        "https://portal.example.org/cb#fragment",
        "https://*.example.org/cb",
        "https://portal.example.org/ cb",
        "https://portal.example.org\\@evil.example/",
        "https://portal.example.org/cb\n",
        "https:///cb",
        "https://a;script-src/",
        "javascript:alert(1)",
        "data:text/html,x",
        "myapp:/cb",
        "https://portal.example.org/<script>",
        'https://portal.example.org/"',
        "https://포털.example.org/",
        "https://portal.example.org:99999999/",
        "https://x/" + "a" * 2000,
    ],
)
def test_addresses_that_could_lead_astray_are_refused(uri):
    with pytest.raises(InvalidClientData):
        check(uri, confidential=False)


def test_only_public_clients_have_schemes_of_their_own():
    with pytest.raises(InvalidClientData):
        check("org.example.app:/cb", confidential=True)


@pytest.mark.parametrize("uri", ["http://127.0.0.1:51004/cb", "http://127.0.0.1/cb", "http://127.0.0.1:1/cb"])
def test_an_application_on_this_machine_may_listen_at_any_port(uri):
    assert is_registered(uri, ["http://127.0.0.1/cb"])


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:51004/other",
        "http://127.0.0.1:51004/cb/",
        "http://127.0.0.1:51004/cb?x=1",
        "http://localhost:51004/cb",
        "https://127.0.0.1:51004/cb",
        "http://127.0.0.1:51004@evil.example/cb",
        "http://127.0.0.1:x/cb",
        "http://127.0.0.1:/cb",
        "http://127.0.0.1.evil.example/cb",
        "http://127.0.0.1/cb#",
        "http://127.0.0.1/cb\n",
    ],
)
def test_everything_else_is_meant_to_the_letter(uri):
    assert not is_registered(uri, ["http://127.0.0.1/cb", "https://portal.example.org/cb"])


@pytest.mark.parametrize(
    "uri",
    [
        "https://portal.example.org/cb/",
        "https://portal.example.org/CB",
        "https://portal.example.org/cb?x",
        "https://portal.example.org:443/cb",
        "HTTPS://portal.example.org/cb",
        "https://portal.example.org/cb/../cb",
        "https://portal.example.org.evil.example/cb",
        "http://portal.example.org/cb",
    ],
)
def test_no_address_is_like_another(uri):
    assert not is_registered(uri, ["https://portal.example.org/cb"])


@given(st.text(max_size=60))
def test_noise_is_no_registered_address_and_crashes_nothing(text):
    assert not is_registered(text, ["https://portal.example.org/cb"])
    assert not set(origin(text)) & set(" ;,'\"\n")
    with contextlib.suppress(InvalidClientData):
        check(text, confidential=False)


def test_answers_are_added_to_the_address_as_it_is():
    assert with_query("https://x.example/cb?a=b", {"code": "1 &"}) == "https://x.example/cb?a=b&code=1+%26"
    assert origin("https://x.example:8/cb?a") == "https://x.example:8"
    assert origin("org.example.app:/cb") == "org.example.app:"


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "a b"},
        {"id": "x" * 65},
        {"name": " "},
        {"name": "a\nb"},
        {"redirect_uris": ()},
        {"grants": frozenset()},
        {"grants": frozenset({GrantType.DEVICE})},
        {"scopes": frozenset()},
        {"scopes": frozenset({"a b"})},
        {"audiences": ("a b",)},
        {"audiences": tuple(map(str, range(11)))},
        {"confidential": False, "trusted": True},
        {"confidential": False, "grants": frozenset({GrantType.CODE, GrantType.CLIENT})},
        {"logout_uris": ("http://evil.example",)},
    ],
)
async def test_what_makes_no_sense_is_not_registered(op, changes):
    given: dict[str, Any] = {"name": "X", "redirect_uris": (REDIRECT,)} | changes
    with pytest.raises(InvalidClientData) as caught:
        await op.provider.clients.register(Wanted(**given))
    assert caught.value.details["field"]


async def test_a_client_is_registered_once_and_its_secret_is_not_kept(op):
    with pytest.raises(ClientExists):
        await op.provider.clients.register(Wanted("Other", id="portal", redirect_uris=(REDIRECT,)))
    stored = await op.commons.database.read(lambda connection: store.get(connection, "portal"))
    assert op.secret not in str(stored)
    assert op.client in await op.provider.clients.all()


async def test_with_a_client_its_tokens_go(op):
    tokens = await op.tokens()
    await op.provider.clients.remove("portal")
    answer = await op.browser().get("/oidc/userinfo", authorization=f"Bearer {tokens['access_token']}")
    assert (answer.status, answer.json["error"]) == (401, "invalid_token")
    with pytest.raises(NoSuchClient):
        await op.provider.clients.remove("portal")


@pytest.mark.parametrize(
    ("client", "secret"),
    [("portal", "wrong"), ("portal", ""), ("nobody", "x"), ("cli", "x"), ("", ""), ("portal\x00", "x")],
)
async def test_who_shows_a_wrong_secret_gets_nothing(op, client, secret):
    await op.provider.clients.register(NATIVE)
    answer = await op.browser().post("/oidc/introspect", {"token": "x"}, authorization=basic(client, secret))
    assert (answer.status, answer.json["error"]) == (401, "invalid_client")
    assert answer.header("www-authenticate").startswith("Basic ")


async def test_an_empty_secret_is_none(op):
    """oidc-agent sends a public client's name with one (RFC 6749 §2.3.1)."""
    await op.provider.clients.register(NATIVE)
    answer = await op.browser().post("/oidc/revoke", {"token": "x"}, authorization=basic("cli", ""))
    assert answer.status == 200


async def test_a_client_with_a_secret_does_not_go_by_its_name_alone(op):
    answer = await op.browser().post("/oidc/revoke", {"token": "x", "client_id": "portal"})
    assert answer.json["error"] == "invalid_client"
    answer = await op.browser().post("/oidc/revoke", {"token": "x"})
    assert answer.json["error"] == "invalid_client"


async def test_a_client_shows_who_it_is_in_one_way(op):
    form = {"token": "x", "client_id": "portal", "client_secret": op.secret}
    assert (await op.browser().post("/oidc/revoke", form)).status == 200
    header = basic("portal", op.secret)
    twice = await op.browser().post("/oidc/revoke", form, authorization=header)
    assert (twice.status, twice.json["error"]) == (400, "invalid_request")
    other = await op.browser().post("/oidc/revoke", {"token": "x", "client_id": "other"}, authorization=header)
    assert other.json["error"] == "invalid_request"
    same = await op.browser().post("/oidc/revoke", {"token": "x", "client_id": "portal"}, authorization=header)
    assert same.status == 200


@pytest.mark.parametrize(
    "header",
    ["Basic", "Basic !", "Basic " + base64.b64encode(b"\xff:x").decode(), "Basic cG9ydGFs", "Basic cG9ydGFsOiVGRg=="],
)
async def test_a_malformed_header_is_no_client(op, header):
    answer = await op.browser().post("/oidc/revoke", {"token": "x"}, authorization=header)
    assert answer.json["error"] == "invalid_client"


async def test_names_and_secrets_are_encoded_as_in_forms(op):
    _client, secret = await op.provider.clients.register(Wanted("X", id="a~b", redirect_uris=(REDIRECT,)))
    assert secret
    answer = await op.browser().post("/oidc/revoke", {"token": "x"}, authorization=basic("a%7Eb", secret))
    assert answer.status == 200


async def test_a_service_gets_tokens_that_speak_of_nobody(op):
    client, secret = await op.provider.clients.register(SERVICE)
    answer = await op.token(client, secret, grant_type="client_credentials", scope="site.read openid")
    claims = await op.read(answer.json["access_token"])
    assert (claims["sub"], claims["scope"], claims["aud"]) == (client.id, "site.read", client.id)
    assert "refresh_token" not in answer.json
    inspected = await op.called("/oidc/introspect", client, secret, token=answer.json["access_token"])
    assert inspected.json["active"]
    refused = await op.token(client, secret, grant_type="client_credentials", scope="openid")
    assert refused.json["error"] == "invalid_scope"


async def test_a_client_uses_only_what_it_is_registered_for(op):
    service, secret = await op.provider.clients.register(SERVICE)
    for form in (
        {"grant_type": "authorization_code", "code": "x", "redirect_uri": "x", "code_verifier": "x"},
        {"grant_type": "refresh_token", "refresh_token": "x"},
        {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": "x"},
    ):
        assert (await op.token(service, secret, **form)).json["error"] == "unauthorized_client"
    assert (await op.token(grant_type="client_credentials")).json["error"] == "unauthorized_client"
    assert (await op.token(grant_type="password", username="a", password="b")).json["error"] == "unsupported_grant_type"


@pytest.mark.parametrize("name", ["audience", "resource"])
async def test_tokens_are_for_those_the_client_may_speak_to(op, name):
    wanted = Wanted("S", grants=frozenset({GrantType.CLIENT}), audiences=("https://a.example", "https://b.example"))
    client, secret = await op.provider.clients.register(wanted)

    async def asked(value: str) -> Any:
        return (await op.token(client, secret, grant_type="client_credentials", **{name: value})).json

    assert (await op.read((await asked(""))["access_token"]))["aud"] == "https://a.example"
    assert (await op.read((await asked("https://b.example"))["access_token"]))["aud"] == "https://b.example"
    assert (await asked("https://c.example"))["error"] == "invalid_target"


def test_an_operator_registers_lists_and_removes_clients(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = write_config(Grid(), tmp_path, 15002)
    made_keys(tmp_path)
    extra = f'[web]\npublic_url = "https://f.example.org"\nlisteners = [{{name = "web"}}]\n[provider]\nkeys = "{tmp_path}/keys"\n'
    config.write_text(config.read_text() + extra + 'namespace = "urn:geant:x"\nauthority = "f.example.org"\n')

    def types(*words: str) -> str:
        assert main(["hansa", "federation", *words]) == 0
        return capsys.readouterr().out

    at = ("--config", str(config))
    made = json.loads(types("client", *at, "add", "Portal", "--id", "portal", "--redirect", REDIRECT, "-o", "json"))
    assert len(made["secret"]) == 43
    assert made["grants"] == ["code", "refresh"]
    types(
        "client",
        *at,
        "add",
        "CLI",
        "--id",
        "cli",
        "--public",
        "--grant",
        "device",
        "--audience",
        "https://f.example.org",
    )
    listed = json.loads(types("client", *at, "list", "-o", "json"))["items"]
    assert [row["id"] for row in listed] == ["cli", "portal"]
    assert "secret" not in listed[0]
    types("client", *at, "remove", "cli")
    assert main(["hansa", "federation", "client", *at, "remove", "cli"]) == 4
    assert "no client cli" in capsys.readouterr().err
    assert main(["hansa", "federation", "keys", *at, "rotate"]) == 0
    assert "key 2" in capsys.readouterr().err
