"""The files of the local federation are what the programs that read them accept."""

import subprocess
from pathlib import Path

import pytest

from hansa.base.config import load
from hansa.client.profile import load_profile
from hansa.federation.config import FederationConfig
from hansa.sandbox import files
from hansa.sandbox.layout import VO, Layout
from hansa.site.config import SiteConfig
from hansa.standards.cloudinit import UserDataKind, check_user_data


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path / 'a "strange" place', "127.99")
    files.write_all(made, made.guest / "guest.qcow2")
    return made


def test_the_servers_accept_their_configurations(layout: Layout) -> None:
    federation = load(files.federation_config(layout), FederationConfig, {})
    assert (federation.voms.listen, federation.voms.vos[VO].port) == ("127.99.0.1", 15002)
    for site in layout.sites:
        config = load(site.config, SiteConfig, {})
        assert config.site.public_url == site.endpoint
        assert config.keystone is not None
        assert config.occi_table.keystone_url == config.keystone.public_url == site.keystone
        assert config.cloud.embedded is not None
        assert config.cloud.embedded.state_dir == site.cloud


def test_two_sites_share_neither_address_nor_machines(layout: Layout) -> None:
    first, second = layout.sites
    assert first.address != second.address
    networks = [load(site.config, SiteConfig, {}).cloud.embedded for site in (first, second)]
    assert networks[0] is not None
    assert networks[1] is not None
    assert not networks[0].addresses.overlaps(networks[1].addresses)


def test_the_profile_knows_the_sites(layout: Layout) -> None:
    profile = load_profile(layout.profile, {})
    assert profile == files.profile(layout)
    assert [site.endpoint for site in profile.sites] == ["https://127.99.10.1:8787", "https://127.99.20.1:8787"]


def test_a_shell_reads_the_environment(layout: Layout) -> None:
    script = '. "$1"; echo "$X509_USER_PROXY"; echo "$PATH"'
    run = subprocess.run(["sh", "-c", script, "sh", layout.environment], capture_output=True, text=True, check=True)
    proxy, path = run.stdout.splitlines()
    assert proxy == str(layout.proxy)
    assert path.startswith(f"{layout.programs}:")


def test_the_first_user_data_is_a_script_and_stays_the_users(layout: Layout) -> None:
    assert check_user_data(layout.first_user_data.read_bytes()) == UserDataKind.SCRIPT
    layout.first_user_data.write_text("#!/bin/sh\necho mine\n")
    files.write_all(layout, layout.guest / "guest.qcow2")
    assert "mine" in layout.first_user_data.read_text()
