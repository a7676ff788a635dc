"""The profile: what it may say, what wins over it, and that typing errors are seen."""

from pathlib import Path

import pytest

from hansa.client.errors import BadProfile
from hansa.client.profile import Federation, Site, default_proxy, load_profile, profile_path, render_profile

TEXT = """
vo = "fedcloud.egi.eu"

[paths]
certificates = "trust"
vomses = ["vomses"]
proxy = "/run/proxy"

[defaults]
image = "tiny"

[[site]]
name = "HANSA-A"
endpoint = "https://127.0.1.1:8787/"

[[site]]
name = "HANSA-B"
endpoint = "https://127.0.1.2:8787/"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(TEXT)
    return path


def test_sites_vo_and_defaults_are_read(file: Path) -> None:
    profile = load_profile(file, {})
    assert profile.vo == "fedcloud.egi.eu"
    assert profile.sites[1] == Site("HANSA-B", "https://127.0.1.2:8787/")
    assert profile.site("HANSA-A").endpoint == "https://127.0.1.1:8787/"
    assert profile.defaults.image == "tiny"


def test_paths_are_relative_to_the_profile(file: Path) -> None:
    paths = load_profile(file, {}).paths
    assert paths.certificates == file.parent / "trust"
    assert paths.vomses == (file.parent / "vomses",)
    assert paths.proxy == Path("/run/proxy")


def test_classic_environment_variables_win(file: Path) -> None:
    environ = {"X509_USER_PROXY": "/e/proxy", "X509_CERT_DIR": "/e/ca", "X509_VOMSES": "/e/vomses", "HANSA_VO": "ops"}
    profile = load_profile(file, environ)
    assert profile.paths.proxy == Path("/e/proxy")
    assert profile.paths.certificates == Path("/e/ca")
    assert profile.paths.vomses == (Path("/e/vomses"),)
    assert profile.vo == "ops"


def test_without_a_file_the_grid_places_hold(tmp_path: Path) -> None:
    profile = load_profile(None, {"XDG_CONFIG_HOME": str(tmp_path)})
    assert profile.paths.certificates == Path("/etc/grid-security/certificates")
    assert profile.paths.proxy == default_proxy({})
    assert profile.sites == ()


def test_where_the_profile_is() -> None:
    assert profile_path({"HANSA_PROFILE": "/p.toml", "XDG_CONFIG_HOME": "/x"}) == Path("/p.toml")
    assert profile_path({"XDG_CONFIG_HOME": "/x"}) == Path("/x/hansa/config.toml")


def test_a_named_profile_must_exist(tmp_path: Path) -> None:
    with pytest.raises(BadProfile, match="There is no profile"):
        load_profile(tmp_path / "none.toml", {})


def test_an_address_serves_as_a_site(file: Path) -> None:
    assert load_profile(file, {}).site("https://x:1/") == Site("https://x:1/", "https://x:1/")


def test_an_unknown_site_names_the_known_ones(file: Path) -> None:
    with pytest.raises(BadProfile, match="HANSA-A, HANSA-B"):
        load_profile(file, {}).site("HANSA-C")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("vo = 1", "vo"),
        ("vos = 'x'", "vos"),
        ("paths = 1", "paths"),
        ("[paths]\ncertificate = 'x'", "certificate"),
        ("[paths]\nvomses = [1]", "paths.vomses"),
        ("site = 1", "site"),
        ("[[site]]\nname = 'A'", "site[0].name"),
        ("[[site]]\nname = 'A'\nendpoint = 'ftp://x'", "site[0].endpoint"),
        ("vo = ", ""),
    ],
)
def test_mistakes_are_refused_by_key(tmp_path: Path, text: str, key: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(BadProfile) as caught:
        load_profile(path, {})
    assert caught.value.details["key"] == key


def test_a_rendered_profile_reads_back_the_same(file: Path, tmp_path: Path) -> None:
    profile = load_profile(file, {})
    copy = tmp_path / "copy.toml"
    copy.write_text(render_profile(profile))
    again = load_profile(copy, {})
    assert (again.vo, again.sites, again.paths, again.defaults) == (
        profile.vo,
        profile.sites,
        profile.paths,
        profile.defaults,
    )


FEDERATION = """
[federation]
url = "https://federation.example.org/"

[[site]]
name = "A"
endpoint = "https://a.example.org/"
keystone = "https://a.example.org:5000"
provider = "home"
protocol = "oidc"
"""


def test_the_federation_issues_tokens_itself_unless_another_does(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(FEDERATION)
    root = "https://federation.example.org"
    assert load_profile(path, {}).federation == Federation(root, root)
    path.write_text(FEDERATION.replace("[federation]", '[federation]\nissuer = "https://aai.example.org/realms/egi"'))
    assert load_profile(path, {}).federation == Federation(root, "https://aai.example.org/realms/egi")


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(FEDERATION)
    profile = load_profile(path, {})
    path.write_text(render_profile(profile))
    assert load_profile(path, {}) == profile


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("[federation]\nurl = 'ftp://x'", "federation.url"),
        ("[federation]\nissuer = 'https://x'", "federation.url"),
        ("[federation]\nurl = 'https://x'\ntrust = 'all'", "federation.trust"),
        ("[federation]\nurl = 'https://x'\nuser = 'me'", "user"),
    ],
)
def test_a_wrong_federation_is_refused(tmp_path: Path, table: str, key: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(table)
    with pytest.raises(BadProfile) as refused:
        load_profile(path, {})
    assert refused.value.details["key"] == key
