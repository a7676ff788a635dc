"""`voms-proxy-init`, `-info`, `-destroy` without a network: options, layout, files."""

import io
import os
import re
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from tests.support.pki import Grid, split_credential, write_credential, write_secret

from hansa.cli.main import main
from hansa.client.profile import default_proxy
from hansa.standards.voms import GenericAttribute, ac_extension
from hansa.standards.x509 import Credential, ProxyPolicy, parse_credential, validate_chain

DN = "/DC=org/DC=example/O=people/CN=Alice Example"


@pytest.fixture
def grid() -> Grid:
    return Grid(now=datetime.now(UTC))


@pytest.fixture
def alice(grid: Grid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Credential:
    """Alice sits at a machine with trust files, her certificate and key, and no proxy yet."""
    user = grid.user("Alice Example")
    grid.write(tmp_path)
    certificate, key = split_credential(user)
    (tmp_path / "usercert.pem").write_bytes(certificate)
    write_secret(tmp_path / "userkey.pem", key)
    for name, file in {
        "X509_CERT_DIR": "certificates",
        "X509_VOMS_DIR": "vomsdir",
        "X509_VOMSES": "vomses",
        "X509_USER_CERT": "usercert.pem",
        "X509_USER_KEY": "userkey.pem",
        "X509_USER_PROXY": "proxy",
        "XDG_CONFIG_HOME": "config",
    }.items():
        monkeypatch.setenv(name, str(tmp_path / file))
    monkeypatch.delenv("HANSA_PROFILE", raising=False)
    return user


def made(path: Path) -> Credential:
    return parse_credential(path.read_bytes())


def test_a_plain_proxy_is_made_and_valid(
    grid: Grid, alice: Credential, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["voms-proxy-init", "-rfc"]) == 0
    said = capsys.readouterr().out
    assert re.fullmatch(
        rf"Your identity: {DN}\nCreating proxy \.+ Done\n\n"
        r"Your proxy is valid until \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\n",
        said,
    )
    proxy = made(tmp_path / "proxy")
    assert stat.S_IMODE((tmp_path / "proxy").stat().st_mode) == 0o600
    assert proxy.chain[1:] == alice.chain
    assert validate_chain(proxy.chain, grid.trust(), now=datetime.now(UTC)).depth == 1


@pytest.mark.parametrize(
    "options", [["-valid", "2:30"], ["--valid=2:30"], ["--hours", "2"], ["-hours", "2", "-valid", "9"]]
)
def test_the_lifetime_is_as_asked(alice: Credential, tmp_path: Path, options: list[str]) -> None:
    assert main(["voms-proxy-init", "-q", *options]) == 0
    left = made(tmp_path / "proxy").leaf.not_valid_after_utc - datetime.now(UTC)
    wanted = timedelta(hours=2, minutes=30 if "2:30" in " ".join(options) else 0)
    assert wanted - timedelta(minutes=1) < left <= wanted


def test_out_bits_limited_and_path_length(
    grid: Grid, alice: Credential, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "elsewhere" / "p"
    options = ["-out", str(out), "--bits", "3072", "--limited", "-path-length", "0", "--quiet"]
    assert main(["voms-proxy-init", *options]) == 0
    assert capsys.readouterr().out == ""
    proxy = made(out)
    assert proxy.key.key_size == 3072
    assert validate_chain(proxy.chain, grid.trust(), now=datetime.now(UTC)).limited


def test_noregen_makes_the_proxy_from_the_present_one(grid: Grid, alice: Credential, tmp_path: Path) -> None:
    assert main(["voms-proxy-init", "-q"]) == 0
    assert main(["voms-proxy-init", "-q", "-noregen", "-out", str(tmp_path / "second")]) == 0
    second = made(tmp_path / "second")
    assert second.chain[1:] == made(tmp_path / "proxy").chain
    assert validate_chain(second.chain, grid.trust(), now=datetime.now(UTC)).depth == 2


def test_the_passphrase_of_the_key_may_come_from_stdin(
    alice: Credential, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    locked = alice.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"open sesame"),
    )
    write_secret(tmp_path / "userkey.pem", locked)
    monkeypatch.setattr("sys.stdin", io.StringIO("open sesame\n"))
    assert main(["voms-proxy-init", "-pwstdin"]) == 0
    monkeypatch.setattr("sys.stdin", io.StringIO("wrong\n"))
    assert main(["voms-proxy-init", "-pwstdin"]) == 1
    assert "password is wrong" in capsys.readouterr().err


def pkcs12_file(path: Path, user: Credential) -> Path:
    lock = serialization.BestAvailableEncryption(b"open sesame")
    return write_secret(path, pkcs12.serialize_key_and_certificates(b"me", user.key, user.leaf, None, lock))


@pytest.mark.parametrize("place", ["usercred.p12", "elsewhere.pfx"])
def test_a_file_that_a_browser_exported_will_do(
    alice: Credential, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    path = pkcs12_file(tmp_path / place, alice)
    (tmp_path / "usercert.pem").unlink()
    options = [] if place == "usercred.p12" else ["-cert", str(path)]
    monkeypatch.setattr("sys.stdin", io.StringIO("open sesame\n"))
    assert main(["voms-proxy-init", "-pwstdin", *options]) == 0
    assert made(tmp_path / "proxy").chain[1:] == alice.chain
    monkeypatch.setattr("sys.stdin", io.StringIO("wrong\n"))
    assert main(["voms-proxy-init", "-pwstdin", *options]) == 1
    assert "the passphrase is wrong" in capsys.readouterr().err
    path.chmod(0o644)
    assert main(["voms-proxy-init", "-pwstdin", *options]) == 1
    assert "Others may read" in capsys.readouterr().err


def test_nobody_there_to_type_the_passphrase_ends_it(
    alice: Credential, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    locked = alice.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    )
    write_secret(tmp_path / "userkey.pem", locked)

    def nobody(_prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr("getpass.getpass", nobody)
    assert main(["voms-proxy-init"]) == 130
    assert "Aborted." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["-voms", "nowhere"], "VOMS server for nowhere not known"),
        (["-cert", "/no/cert"], "There is no user certificate /no/cert."),
        (["-key", "/no/key"], "There is no file /no/key."),
        (["-bits", "512"], "key length must be one of"),
        (["-valid", "1:x"], "not a time in the form h:m"),
        (["-xyz"], "unrecognized arguments: -xyz"),
    ],
)
def test_what_cannot_be_is_told(
    alice: Credential, capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    assert main(["voms-proxy-init", *options]) == 1
    assert words in capsys.readouterr().err


def test_a_key_that_others_may_read_is_not_used(
    alice: Credential, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "userkey.pem").chmod(0o644)
    assert main(["voms-proxy-init"]) == 1
    assert "Others may read the private key" in capsys.readouterr().err


def test_an_expired_certificate_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str], alice: Credential) -> None:
    old = Grid(now=datetime.now(UTC) - timedelta(days=800)).user("Old")
    certificate, key = split_credential(old)
    (tmp_path / "old.pem").write_bytes(certificate)
    write_secret(tmp_path / "old.key", key)
    assert main(["voms-proxy-init", "-cert", str(tmp_path / "old.pem"), "-key", str(tmp_path / "old.key")]) == 1
    assert "expired on" in capsys.readouterr().err


def test_a_proxy_is_not_written_through_a_link(
    alice: Credential, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "proxy").symlink_to(tmp_path / "victim")
    assert main(["voms-proxy-init"]) == 1
    assert "not a plain file" in capsys.readouterr().err
    assert not (tmp_path / "victim").exists()


def test_all_shows_the_layout_that_scripts_cut_apart(
    grid: Grid, alice: Credential, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    proxy = grid.voms_proxy(alice, "/fedcloud.egi.eu", "/fedcloud.egi.eu/Role=VO-Admin")
    path = write_credential(tmp_path / "proxy", proxy)
    assert main(["voms-proxy-info", "-all"]) == 0
    said = capsys.readouterr()
    number = proxy.leaf.serial_number
    expected = f"""\
subject   : {DN}/CN={number}
issuer    : {DN}
identity  : {DN}
type      : RFC compliant proxy
strength  : 2048 bits
path      : {path}
timeleft  : LEFT
key usage : Digital Signature, Key Encipherment, Data Encipherment
=== VO fedcloud.egi.eu extension information ===
VO        : fedcloud.egi.eu
subject   : {DN}
issuer    : /DC=org/DC=example/O=hosts/CN=localhost
attribute : /fedcloud.egi.eu/Role=NULL/Capability=NULL
attribute : /fedcloud.egi.eu/Role=VO-Admin/Capability=NULL
timeleft  : LEFT
uri       : localhost:15002
"""
    assert re.sub(r"1[12]:\d\d:\d\d", "LEFT", said.out) == expected
    assert said.err == ""


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("-subject", None),
        ("-issuer", DN),
        ("--identity", DN),
        ("-type", "RFC compliant proxy"),
        ("-strength", "2048"),
        ("-fqan", "/fedcloud.egi.eu/Role=NULL/Capability=NULL"),
        ("-vo", "fedcloud.egi.eu"),
        ("-acsubject", DN),
        ("-acissuer", "/DC=org/DC=example/O=hosts/CN=localhost"),
        ("-uri", "localhost:15002"),
    ],
)
def test_single_fields(
    grid: Grid,
    alice: Credential,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    option: str,
    words: str | None,
) -> None:
    proxy = grid.voms_proxy(alice)
    path = write_credential(tmp_path / "other", proxy)
    assert main(["voms-proxy-info", "-file", str(path), option]) == 0
    assert capsys.readouterr().out == f"{words or f'{DN}/CN={proxy.leaf.serial_number}'}\n"


@pytest.mark.parametrize("option", ["-timeleft", "-actimeleft"])
def test_times_are_seconds(
    grid: Grid, alice: Credential, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    write_credential(tmp_path / "proxy", grid.voms_proxy(alice))
    assert main(["voms-proxy-info", option]) == 0
    assert 43000 < int(capsys.readouterr().out) <= 43200


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["-exists"], 0),
        (["-exists", "-valid", "11:0"], 0),
        (["-exists", "-valid", "13:0"], 1),
        (["-exists", "-hours", "13"], 1),
        (["-exists", "-bits", "2048"], 0),
        (["-exists", "-bits", "4096"], 1),
        (["-acexists", "fedcloud.egi.eu"], 0),
        (["-acexists", "atlas"], 1),
    ],
)
def test_questions_are_answered_by_the_exit_code(
    grid: Grid, alice: Credential, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], code: int
) -> None:
    write_credential(tmp_path / "proxy", grid.voms_proxy(alice))
    assert main(["voms-proxy-info", *options]) == code
    assert capsys.readouterr().out == ""


def test_without_attributes_asking_for_them_fails(grid: Grid, alice: Credential, tmp_path: Path) -> None:
    write_credential(tmp_path / "proxy", grid.proxy(alice))
    assert main(["voms-proxy-info", "-fqan"]) == 1
    assert main(["voms-proxy-info", "-actimeleft"]) == 1


def test_a_limited_proxy_says_so(
    grid: Grid, alice: Credential, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_credential(tmp_path / "proxy", grid.proxy(alice, policy=ProxyPolicy.LIMITED))
    assert main(["voms-proxy-info", "-type"]) == 0
    assert capsys.readouterr().out == "RFC compliant limited proxy\n"


def test_the_identity_of_a_proxy_of_a_proxy_is_the_users(
    grid: Grid, alice: Credential, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_credential(tmp_path / "proxy", grid.proxy(grid.voms_proxy(alice)))
    assert main(["voms-proxy-info", "-identity"]) == 0
    assert capsys.readouterr().out == f"{DN}\n"
    assert main(["voms-proxy-info", "-chain"]) == 0
    assert capsys.readouterr().out.count("subject   : ") == 3


def test_generic_attributes_are_shown_and_cannot_drive_the_terminal(
    grid: Grid, alice: Credential, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ac = grid.ac(alice, attributes=[GenericAttribute("nick", "al\x1b[2Jice", "fedcloud.egi.eu")])
    write_credential(tmp_path / "proxy", grid.proxy(alice, extensions=[ac_extension([ac])]))
    assert main(["voms-proxy-info", "-all", "-dont-verify-ac"]) == 0
    assert "attribute : nick = al?[2Jice (fedcloud.egi.eu)\n" in capsys.readouterr().out


def test_attributes_of_an_unknown_server_are_shown_with_a_warning(
    grid: Grid, alice: Credential, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_credential(tmp_path / "proxy", grid.voms_proxy(alice))
    (tmp_path / "vomsdir" / "fedcloud.egi.eu" / "localhost.lsc").unlink()
    assert main(["voms-proxy-info", "-all"]) == 0
    assert "WARNING: Unable to verify signature!" in capsys.readouterr().err


def test_no_proxy_is_told(alice: Credential, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["voms-proxy-info", "-all"]) == 1
    assert capsys.readouterr().err == "\nCouldn't find a valid proxy.\n\n"


@pytest.mark.parametrize("program", ["voms-proxy-init", "voms-proxy-info", "voms-proxy-destroy"])
def test_help_and_version(capsys: pytest.CaptureFixture[str], program: str) -> None:
    assert main([program, "-help"]) == 0
    assert "-version" in capsys.readouterr().out
    assert main([program, "--version"]) == 0
    assert "Version: " in capsys.readouterr().out


def test_destroy_removes_the_proxy(alice: Credential, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_secret(tmp_path / "proxy", b"secret")
    assert main(["voms-proxy-destroy", "-dry"]) == 0
    assert (tmp_path / "proxy").exists()
    assert main(["voms-proxy-destroy"]) == 0
    assert not (tmp_path / "proxy").exists()
    assert main(["voms-proxy-destroy"]) == 1
    assert "doesn't exist" in capsys.readouterr().err


def test_the_classic_place_of_a_proxy() -> None:
    assert default_proxy({}) == Path(f"/tmp/x509up_u{os.geteuid()}")
