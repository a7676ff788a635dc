"""Debian's voms-proxy-info (C++) reads our proxies, and says of them what ours says."""

import os
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.pki import Grid, split_credential, write_credential, write_secret

from hansa.cli.main import main
from hansa.standards.voms import GenericAttribute, ac_extension

PROGRAM = shutil.which("voms-proxy-info2")
pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(PROGRAM is None, reason="voms-proxy-info2 (voms-clients) is not installed"),
]
FIELDS = [
    "-subject", "-issuer", "-identity", "-type", "-strength", "-path", "-fqan", "-vo", "-acsubject", "-acissuer", "-serial",
    "-uri", "-all", "-chain", "-acexists fedcloud.egi.eu", "-exists -valid 11:00", "-exists -valid 13:00",
]  # fmt: skip


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    grid = Grid(now=datetime.now(UTC))
    grid.write(tmp_path)
    user = grid.user("Alice Example")
    certificate, key = split_credential(user)
    (tmp_path / "usercert.pem").write_bytes(certificate)
    write_secret(tmp_path / "userkey.pem", key)
    ac = grid.ac(
        user,
        "/fedcloud.egi.eu",
        "/fedcloud.egi.eu/Role=VO-Admin",
        attributes=[GenericAttribute("nick", "alice", "fedcloud.egi.eu")],
    )
    write_credential(tmp_path / "voms", grid.proxy(user, extensions=[ac_extension([ac])]))
    for name, file in {"CERT_DIR": "certificates", "VOMS_DIR": "vomsdir", "USER_CERT": "usercert.pem"}.items():
        monkeypatch.setenv(f"X509_{name}", str(tmp_path / file))
    monkeypatch.setenv("X509_USER_KEY", str(tmp_path / "userkey.pem"))
    assert main(["voms-proxy-init", "-q", "-out", str(tmp_path / "plain")]) == 0
    return tmp_path


def original(path: Path, options: str) -> tuple[int, str]:
    assert PROGRAM
    done = subprocess.run(
        [PROGRAM, "-file", str(path), *options.split()], capture_output=True, text=True, check=False, env=os.environ
    )
    return done.returncode, without_times(done.stdout)


def without_times(text: str) -> str:
    return re.sub(r"\d+:\d\d:\d\d", "h:mm:ss", text)


@pytest.mark.parametrize("name", ["voms", "plain"])
def test_every_field_is_the_same(place: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    path = place / name
    for options in FIELDS:
        code = main(["voms-proxy-info", "-file", str(path), *options.split()])
        ours = (code, without_times(capsys.readouterr().out))
        assert ours == original(path, options), options
