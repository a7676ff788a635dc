"""Our `voms-proxy-init` against Debian's own VOMS server, whose REST replies are empty: the legacy dialect must do."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.pki import Grid, split_credential, write_secret
from tests.support.ports import free_port
from tests.support.vomsd import needs_vomsd, vomsd

from hansa.cli.main import main
from hansa.standards.x509 import Name

pytestmark = [pytest.mark.peer, needs_vomsd]
VO = "fedcloud.egi.eu"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    directory = tmp_path_factory.mktemp("vomsd")
    grid = Grid(now=datetime.now(UTC), port=free_port())
    grid.write(directory)
    for name, user in {"alice": grid.user("Alice Example"), "mallory": grid.user("Mallory Example")}.items():
        certificate, key = split_credential(user)
        (directory / f"{name}.pem").write_bytes(certificate)
        write_secret(directory / f"{name}.key", key)
    member = Name.from_x509(grid.user("Alice Example").leaf.subject)
    with vomsd(grid, directory, member):
        yield directory


@pytest.fixture(autouse=True)
def at_the_desk(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, file in {
        "X509_CERT_DIR": "certificates",
        "X509_VOMS_DIR": "vomsdir",
        "X509_VOMSES": "vomses",
        "X509_USER_PROXY": "proxy",
        "XDG_CONFIG_HOME": "none",
    }.items():
        monkeypatch.setenv(name, str(place / file))


def init(place: Path, *options: str, user: str = "alice") -> int:
    return main(["voms-proxy-init", "-cert", f"{place}/{user}.pem", "-key", f"{place}/{user}.key", *options])


def names(capsys: pytest.CaptureFixture[str], *options: str) -> list[str]:
    capsys.readouterr()
    assert main(["voms-proxy-info", "-fqan", *options]) == 0
    return [line.removesuffix("/Capability=NULL") for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(
    ("options", "fqans"),
    [
        (["-voms", VO], [f"/{VO}/Role=NULL", f"/{VO}/bio/Role=NULL"]),
        (["-voms", f"{VO}:/{VO}/bio"], [f"/{VO}/bio/Role=NULL", f"/{VO}/Role=NULL"]),
        (["-voms", f"{VO}:/{VO}/Role=VO-Admin"], [f"/{VO}/Role=VO-Admin", f"/{VO}/Role=NULL", f"/{VO}/bio/Role=NULL"]),
        (["-voms", f"{VO}:all"], [f"/{VO}/Role=NULL", f"/{VO}/Role=VO-Admin", f"/{VO}/bio/Role=NULL"]),
        (["-voms", VO, "-order", f"/{VO}/bio"], [f"/{VO}/bio/Role=NULL", f"/{VO}/Role=NULL"]),
    ],
)
def test_groups_and_roles_come_in_the_servers_order_and_verify(
    place: Path, capsys: pytest.CaptureFixture[str], options: list[str], fqans: list[str]
) -> None:
    assert init(place, *options) == 0
    assert names(capsys) == fqans


def test_generic_attributes_arrive(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert init(place, "-voms", VO) == 0
    assert main(["voms-proxy-info", "-all"]) == 0
    said = capsys.readouterr()
    assert "attribute : nickname = " in said.out  # without its value: the server loses it with this database
    assert said.err == ""


def test_a_shortened_lifetime_is_told(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert init(place, "-voms", VO, "-valid", "100:00") == 0
    assert "shortened to 43200 seconds!" in capsys.readouterr().out


def test_a_proxy_gets_attributes_for_the_next_one(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert init(place, "-voms", VO) == 0
    assert init(place, "-voms", VO, "-noregen", "-out", f"{place}/second") == 0
    assert names(capsys, "-file", f"{place}/second") == [f"/{VO}/Role=NULL", f"/{VO}/bio/Role=NULL"]


@pytest.mark.parametrize(
    ("user", "wanted", "words"),
    [
        ("alice", f"{VO}:/{VO}/Role=Nope", f"{VO}: Unable to satisfy B/{VO}:Nope request!"),
        ("mallory", VO, f"{VO}: User unknown to this VO."),
    ],
)
def test_the_servers_refusal_is_shown(
    place: Path, capsys: pytest.CaptureFixture[str], user: str, wanted: str, words: str
) -> None:
    (place / "proxy").unlink(missing_ok=True)
    assert init(place, "-voms", wanted, user=user) == 1
    assert words in capsys.readouterr().err
    assert not os.path.lexists(place / "proxy")
