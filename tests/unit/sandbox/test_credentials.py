"""The throw-away grid is a real one: its user passes the same validation as anybody's."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from hansa.sandbox import credentials
from hansa.sandbox.layout import VO, Layout
from hansa.standards.voms import VomsDir, parse_vomses
from hansa.standards.x509 import Name, TrustStore, validate_chain

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    made = Layout(tmp_path_factory.mktemp("federation"), "127.99")
    credentials.make_all(made, NOW)
    return made


def contents(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes() for path in directory.rglob("*") if path.is_file()
    }


def test_everybody_validates_against_the_trust_directory(layout: Layout) -> None:
    trust = TrustStore.from_files(contents(layout.certificates))
    assert not trust.problems
    for prefix in (
        layout.user / "user",
        layout.federation / "host",
        *(site.directory / "host" for site in layout.sites),
    ):
        identity = validate_chain([credentials.certificate_of(prefix)], trust, now=NOW)
        assert identity.subject.slash().startswith("/DC=org/DC=hansa/DC=sandbox/")


def test_a_site_is_named_by_its_address(layout: Layout) -> None:
    certificate = credentials.certificate_of(layout.sites[0].directory / "host")
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.99.10.1"]


def test_clients_and_sites_find_the_voms_server(layout: Layout) -> None:
    (server,) = parse_vomses(layout.vomses.read_bytes())
    host = credentials.certificate_of(layout.federation / "host")
    assert (server.vo, server.host, server.name) == (VO, "127.99.0.1", Name.from_x509(host.subject))
    assert not VomsDir.from_files(contents(layout.vomsdir)).problems


def test_keys_are_closed_to_others(layout: Layout) -> None:
    keys = [*layout.root.rglob("*key.pem")]
    assert len(keys) == 6
    assert {key.stat().st_mode & 0o777 for key in keys} == {0o600}


def test_what_is_there_stays_and_what_grows_old_is_renewed(layout: Layout) -> None:
    before = contents(layout.root)
    credentials.make_all(layout, NOW + timedelta(hours=1))
    assert contents(layout.root) == before
    credentials.make_all(layout, NOW + timedelta(days=20))
    after = contents(layout.root)
    changed = {name for name in before if before[name] != after[name]}
    assert changed
    assert all(name.endswith((".r0", "crl.pem")) for name in changed)
