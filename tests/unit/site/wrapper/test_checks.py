"""What `hansa keystone check` finds in files. tests/peers/test_real_keystone.py runs it against a real Keystone."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.keystone_front import CONFIG, POLICY
from tests.support.pki import VO, Grid

from hansa.base.config import load
from hansa.base.errors import BackendDown
from hansa.site.openstack.wrapper.backend import Backend, Origin
from hansa.site.openstack.wrapper.checks.conf import check_conf
from hansa.site.openstack.wrapper.checks.files import check_files
from hansa.site.openstack.wrapper.checks.model import Finding, State
from hansa.site.openstack.wrapper.install import ensure_secret, install
from hansa.site.openstack.wrapper.settings import WrapperConfig

GOOD_CONF = """\
[DEFAULT]
# a comment
[auth]
methods = password, token,mapped
mapped = hansa
[mapped]
remote_id_attribute = HANSA_IDENTITY_PROVIDER
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    grid = Grid()
    grid.write(tmp_path)
    (tmp_path / "voms.json").write_text(json.dumps(POLICY))
    ensure_secret(tmp_path / "secret")
    install(tmp_path / "inside")
    text = CONFIG.format(port=5000, backend="http://127.0.0.1:1", secret="secret")
    (tmp_path / "keystone.toml").write_text(text)
    return tmp_path


def found(home: Path, later: timedelta = timedelta()) -> list[Finding]:
    config = load(home / "keystone.toml", WrapperConfig, {})
    return list(check_files(config, home / "inside", Grid().now + later))


def bad(findings: list[Finding]) -> list[tuple[str, str, str]]:
    return [(each.state.value, each.check, each.next) for each in findings if each.state is not State.OK]


def test_a_good_set_up_has_nothing_to_tell(home):
    assert bad(found(home)) == []


def test_a_list_that_ends_soon_is_a_warning_and_one_that_ended_a_problem(home):
    crl = Grid().crl().next_update_utc
    assert crl
    left = crl - Grid().now
    assert [each[:2] for each in bad(found(home, left - timedelta(hours=1)))][:1] == [("warning", "revocation lists")]
    assert [each[:2] for each in bad(found(home, left + timedelta(hours=1)))][:1] == [("problem", "revocation lists")]


def test_a_missing_list_is_a_problem(home):
    for path in (home / "certificates").glob("*.r0"):
        path.unlink()
    assert [each[:2] for each in bad(found(home))] == [("problem", "revocation lists")]


def test_the_seeds_file_without_its_ending_is_named(home):
    (home / "vomsdir" / VO / "localhost.lsc").rename(home / "vomsdir" / VO / "voms2.grid.cesnet.cz")
    assert bad(found(home)) == [
        ("problem", "vomsdir", "rename it to voms2.grid.cesnet.cz.lsc"),
        ("problem", "vomsdir", f"put its .lsc file into {home}/vomsdir/{VO}/"),
    ]


def test_a_server_of_an_unknown_authority_is_a_problem(home):
    (home / "vomsdir" / VO / "localhost.lsc").write_text("/DC=org/CN=voms\n/DC=org/CN=Nobody knows\n")
    assert [each[:2] for each in bad(found(home))] == [("problem", "vomsdir")]


@pytest.mark.parametrize("text", ["{", "{}", '{"vo": {}}'])
def test_a_policy_that_lets_nobody_in_is_a_problem(home, text):
    (home / "voms.json").write_text(text)
    assert [each[:2] for each in bad(found(home))] == [("problem", "policy")]


def test_an_open_secret_and_another_versions_gate_are_told(home):
    (home / "secret").chmod(0o644)
    (home / "inside" / "hansa_keystone" / "gate.py").write_text("")
    assert [each[:2] for each in bad(found(home))] == [("problem", "secret"), ("warning", "gate's files")]


def test_a_host_certificate_of_another_host_or_an_expired_one_is_a_problem(home):
    (home / "hostcert.pem").write_bytes((home / "certificates" / "ExampleGrid.pem").read_bytes())
    assert [each[:2] for each in bad(found(home))] == [("problem", "host certificate")]


def conf(tmp_path: Path, text: str) -> list[tuple[str, str]]:
    path = tmp_path / "keystone.conf"
    path.write_text(text)
    return [(each.state.value, each.check) for each in check_conf(path, "mapped") if each.state is not State.OK]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("", ""), []),
        (("token,mapped", "token"), [("problem", "sign-on methods")]),
        (("password, token", "external,token"), [("warning", "sign-on methods")]),
        (("methods = password, token,mapped", ""), [("warning", "sign-on methods")]),
        (("mapped = hansa", ""), [("warning", "token life")]),
        (("HANSA_IDENTITY_PROVIDER", "HTTP_OIDC_ISS"), [("problem", "remote id")]),
        (("remote_id_attribute", "x"), [("problem", "remote id")]),
        (("[mapped]", "[federation]"), []),
        (("[mapped]", "[federation]\nassertion_prefix = MELLON\n[mapped]"), [("problem", "assertion prefix")]),
        (("[DEFAULT]", "no section"), [("problem", "keystone.conf")]),
    ],
)
def test_keystone_conf_is_read(tmp_path, change, told):
    assert conf(tmp_path, GOOD_CONF.replace(*change)) == told


def test_a_conf_that_is_not_here_is_skipped(tmp_path):
    assert [each.state for each in check_conf(tmp_path / "none", "mapped")] == [State.SKIPPED]


async def test_a_backend_that_does_not_answer_is_down(tmp_path):
    with pytest.raises(BackendDown, match="does not answer"):
        await Backend(Origin(unix=tmp_path / "none.sock"), 1).whole("GET", "/v3", ())
