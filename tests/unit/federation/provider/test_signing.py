"""Signing keys come, are known beforehand, sign, stay known for a while, and go."""

import json
from pathlib import Path

import pytest
from tests.support.provider import Federation, made_keys

from hansa.base.errors import ConfigurationError
from hansa.federation.provider import signing


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return made_keys(tmp_path)


def ring(directory: Path) -> signing.Ring:
    return signing.parse({path.name: path.read_bytes() for path in directory.iterdir()})


def test_new_keys_are_their_owners_alone(tmp_path):
    directory = tmp_path / "made"
    signing.ensure_keys(directory)
    assert directory.stat().st_mode & 0o777 == 0o700
    names = sorted(path.name for path in directory.iterdir())
    assert names == ["0-es256.pem", "0-rs256.pem", "1-es256.pem", "1-rs256.pem"]
    assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o600}


def test_the_next_keys_are_published_before_they_sign(directory):
    before = ring(directory)
    signing.rotate(directory)
    after = ring(directory)
    known = {key.kid for key in before.published.keys}
    assert {key.kid for key in after.signing.values()} <= known - {key.kid for key in before.signing.values()}


def test_the_last_keys_stay_published_and_older_ones_go(directory):
    first = {key.kid for key in ring(directory).signing.values()}
    signing.rotate(directory)
    assert first <= {key.kid for key in ring(directory).published.keys}
    assert signing.rotate(directory) == 3
    published = ring(directory).published.keys
    assert not first & {key.kid for key in published}
    assert len(published) == 2 * signing.KEEP


@pytest.mark.parametrize("loose", ["", "1-rs256.pem"])
def test_keys_that_others_may_read_are_refused(directory, loose):
    (directory / loose).chmod(0o755 if not loose else 0o640)
    with pytest.raises(ConfigurationError, match="chmod"):
        signing.ensure_keys(directory)


@pytest.mark.parametrize("name", ["1-rs256.pem", "0-es256.pem"])
def test_a_damaged_key_is_named_and_not_shown(directory, name):
    (directory / name).write_text("-----BEGIN secret")
    with pytest.raises(ConfigurationError, match=name) as caught:
        ring(directory)
    assert "secret" not in str(caught.value)


def test_an_rsa_key_is_no_elliptic_one(directory):
    (directory / "1-es256.pem").write_bytes((directory / "1-rs256.pem").read_bytes())
    with pytest.raises(ConfigurationError, match="1-es256"):
        ring(directory)


def test_without_a_key_that_signs_nothing_starts(directory):
    (directory / "1-rs256.pem").unlink()
    with pytest.raises(ConfigurationError, match="rotate"):
        ring(directory)


async def test_tokens_of_the_last_keys_stay_good(op: Federation, tmp_path: Path):
    tokens = await op.tokens()
    signing.rotate(tmp_path / "keys")
    again = op.restarted(tmp_path)
    assert (await again.called("/oidc/introspect", token=tokens["access_token"])).json["active"]
    new = (await again.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])).json
    assert await op.read(tokens["access_token"])
    assert await again.read(new["access_token"])


async def test_published_keys_hold_nothing_private(op: Federation):
    document = json.loads((await op.browser().get("/oidc/jwks")).body)
    assert {name for key in document["keys"] for name in key} == {
        *("kty", "n", "e", "crv", "x", "y", "kid", "use", "alg"),
    }
