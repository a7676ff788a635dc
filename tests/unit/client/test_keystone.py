"""Signing on at a Keystone as the federation's sites offered it: v2.0 with VOMS or password, v3 with federation."""

import json
from collections.abc import Iterator

import pytest
from tests.support.replay import Peer, Said, replaying

from hansa.base.errors import NotFound, Unauthenticated
from hansa.client.errors import BadReply
from hansa.client.http import Reply
from hansa.client.keystone import Password, keystone_of, tokens
from hansa.client.occi import Occi

V2 = {"id": "v2.0", "status": "stable", "links": [{"rel": "self", "href": "http://elsewhere/v2.0/"}]}
V3 = {"id": "v3.14", "status": "stable", "links": [{"rel": "self", "href": "http://elsewhere/v3/"}]}
MAPPED = "/v3/OS-FEDERATION/identity_providers/egi.eu/protocols/mapped/auth"
MODEL = 'Category: compute; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="kind"; location="/compute/"'


def said(document: object, status: int = 200, **headers: str) -> Said:
    pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Said(json.dumps(document), "application/json", status, pairs)


def versions(*entries: dict[str, object]) -> Said:
    return said({"versions": {"values": list(entries)}}, 300)


def access(token: str) -> Said:
    return said({"access": {"token": {"id": token, "expires": "2026-01-01T00:00:00Z"}}})


@pytest.fixture
def peer() -> Iterator[Peer]:
    with replaying({}) as running:
        yield running


def sign_on(peer: Peer, login: Password | None = None, project: str | None = None) -> list[str]:
    return list(tokens(f"{peer.url}/", tls=None, timeout=5, login=login, project=project))


def bodies(peer: Peer) -> list[object]:
    return [json.loads(asked.body) for asked in peer.asked if asked.body]


def test_v2_with_voms(peer: Peer) -> None:
    peer.answers |= {
        ("GET", "/"): versions(V2),
        ("POST", "/v2.0/tokens"): [access("unscoped"), access("scoped")],
        ("GET", "/v2.0/tenants"): said({"tenants": [{"id": "1", "name": "fedcloud"}]}),
    }
    assert sign_on(peer) == ["scoped"]
    assert bodies(peer) == [{"auth": {"voms": True}}, {"auth": {"voms": True, "tenantName": "fedcloud"}}]
    assert peer.asked[2].headers["X-Auth-Token"] == "unscoped"


def test_v2_with_a_password(peer: Peer) -> None:
    peer.answers |= {
        ("GET", "/"): versions(V2),
        ("POST", "/v2.0/tokens"): [access("unscoped"), access("scoped")],
        ("GET", "/v2.0/tenants"): said({"tenants": [{"id": "1", "name": "a"}, {"id": "2", "name": "b"}]}),
    }
    proof = {"passwordCredentials": {"username": "alice", "password": "secret"}}
    assert sign_on(peer, Password("alice", "secret"), project="b") == ["scoped"]
    assert bodies(peer) == [{"auth": proof}, {"auth": {**proof, "tenantName": "b"}}]


def test_v3_federation_goes_first(peer: Peer) -> None:
    peer.answers |= {
        ("GET", "/"): versions(V2, V3),
        ("POST", MAPPED): said({}, 201, X_Subject_Token="unscoped"),
        ("GET", "/v3/auth/projects"): said({"projects": [{"id": "p1", "name": "fedcloud"}]}),
        ("POST", "/v3/auth/tokens"): said({}, 201, X_Subject_Token="scoped"),
    }
    assert sign_on(peer) == ["scoped"]
    [wish] = bodies(peer)
    assert wish == {
        "auth": {
            "identity": {"methods": ["token"], "token": {"id": "unscoped"}},
            "scope": {"project": {"id": "p1"}},
        }
    }


def test_where_v3_knows_no_federation_v2_follows(peer: Peer) -> None:
    peer.answers |= {
        ("GET", "/"): versions(V3, V2),
        ("POST", MAPPED): said({"error": {"message": "no"}}, 404),
        ("POST", "/v2.0/tokens"): [access("unscoped"), access("scoped")],
        ("GET", "/v2.0/tenants"): said({"tenants": [{"id": "1", "name": "fedcloud"}]}),
    }
    assert sign_on(peer) == ["scoped"]


def test_a_keystone_without_a_list_of_versions_is_tried_all_the_same(peer: Peer) -> None:
    peer.answers |= {
        ("POST", "/v2.0/tokens"): [access("unscoped"), access("scoped")],
        ("GET", "/v2.0/tenants"): said({"tenants": [{"name": "fedcloud"}]}),
    }
    assert sign_on(peer) == ["scoped"]


def test_keystones_refusal_is_told_in_its_words(peer: Peer) -> None:
    words = {"error": {"message": "Your VO is not authorized", "code": 401}}
    peer.answers |= {("GET", "/"): versions(V2), ("POST", "/v2.0/tokens"): said(words, 401)}
    with pytest.raises(Unauthenticated, match="Your VO is not authorized"):
        sign_on(peer)


def test_no_project_is_told(peer: Peer) -> None:
    peer.answers |= {
        ("GET", "/"): versions(V2),
        ("POST", "/v2.0/tokens"): access("unscoped"),
        ("GET", "/v2.0/tenants"): said({"tenants": []}),
    }
    with pytest.raises(Unauthenticated, match="no project"):
        sign_on(peer)


@pytest.mark.parametrize(
    "nonsense", [said([]), Said("<html>", "text/html"), said({"access": []}), Said("[" * 10000, "application/json")]
)
def test_nonsense_is_refused(peer: Peer, nonsense: Said) -> None:
    peer.answers |= {("GET", "/"): versions(V2), ("POST", "/v2.0/tokens"): nonsense}
    with pytest.raises(BadReply):
        sign_on(peer)


@pytest.mark.parametrize(
    ("challenge", "uri"),
    [
        ("Keystone uri='https://k:5000'", "https://k:5000"),
        ('Keystone uri="https://k:5000/v2.0"', "https://k:5000/v2.0"),
        ("snf-auth uri='https://k'", "https://k"),
        ("Basic realm='x'", None),
        ("Keystone", None),
    ],
)
def test_the_challenge_names_the_keystone(challenge: str, uri: str | None) -> None:
    assert keystone_of(Reply(401, "", (("WWW-Authenticate", challenge),), b"")) == uri


def test_an_occi_service_that_points_to_keystone_is_entered_with_its_token(peer: Peer) -> None:
    challenge = Said("Sign on first", status=401, headers=(("WWW-Authenticate", f"Keystone uri='{peer.url}'"),))
    peer.answers |= {
        ("GET", "/-/"): [challenge, Said("wrong project", status=401), Said(MODEL)],
        ("GET", "/"): versions(V2),
        ("POST", "/v2.0/tokens"): [access("unscoped"), access("first"), access("second")],
        ("GET", "/v2.0/tenants"): said({"tenants": [{"name": "a"}, {"name": "b"}]}),
    }
    with Occi(peer.url) as occi:
        assert [category.term for category in occi.model()] == ["compute"]
        occi.model()
    assert peer.asked[-1].headers["X-Auth-Token"] == "second"


def test_a_password_goes_to_the_origin_alone(peer: Peer) -> None:
    peer.answers["GET", "/compute/"] = Said("http://evil.example/compute/1", "text/uri-list")
    peer.answers["GET", "/compute/1"] = Said("X-OCCI-Attribute: occi.core.id=1", status=404)
    with Occi(peer.url, login=Password("a", "b")) as occi:
        [location] = occi.locations("/compute/")
        with pytest.raises(NotFound):
            occi.entity(location)
    assert peer.asked[-1].target == "/compute/1"
