"""Debian's own VOMS server (voms-server, voms-mysql-plugin, mariadb-server) for one VO with one member, on throw-away files."""

import getpass
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.support.pki import Grid, split_credential, write_secret

from hansa.standards.x509 import Name

PLUGIN = Path("/usr/lib/voms/libvomsmysql.so")
PROGRAMS = ("voms", "mariadbd", "mariadb", "mariadb-install-db")

needs_vomsd = pytest.mark.skipif(
    not PLUGIN.exists() or any(shutil.which(program) is None for program in PROGRAMS),
    reason="voms-server, voms-mysql-plugin or mariadb-server is not installed",
)

SCHEMA = """
CREATE DATABASE voms; USE voms;
CREATE TABLE version (version INT); INSERT INTO version VALUES (2);
CREATE TABLE seqnumber (seq VARCHAR(255) PRIMARY KEY); INSERT INTO seqnumber VALUES ('0');
CREATE TABLE ca (cid SMALLINT PRIMARY KEY, ca VARCHAR(255), cadescr VARCHAR(255));
CREATE TABLE usr (userid BIGINT PRIMARY KEY, dn VARCHAR(255), ca SMALLINT, cn VARCHAR(255), mail VARCHAR(255),
                  cauri VARCHAR(255));
CREATE TABLE `groups` (gid BIGINT PRIMARY KEY, dn VARCHAR(255), parent BIGINT, must TINYINT(1) NOT NULL DEFAULT 1);
CREATE TABLE roles (rid BIGINT PRIMARY KEY, role VARCHAR(255));
CREATE TABLE capabilities (cid BIGINT PRIMARY KEY, capability VARCHAR(255));
CREATE TABLE m (mapping_id BIGINT PRIMARY KEY AUTO_INCREMENT, userid BIGINT, gid BIGINT, rid BIGINT, cid BIGINT);
CREATE TABLE attributes (a_id BIGINT, a_name VARCHAR(255), a_desc TEXT, a_uniq TINYINT(1));
CREATE TABLE usr_attrs (a_id BIGINT, u_id BIGINT, a_value VARCHAR(255));
CREATE TABLE group_attrs (a_id BIGINT, g_id BIGINT, a_value VARCHAR(255));
CREATE TABLE role_attrs (a_id BIGINT, g_id BIGINT, r_id BIGINT, a_value VARCHAR(255));
INSERT INTO ca VALUES (1, '{ca}', '');
INSERT INTO usr VALUES (1, '{user}', 1, '', '', '');
INSERT INTO `groups` VALUES (1, '/{vo}', 1, 1), (2, '/{vo}/bio', 1, 1);
INSERT INTO roles VALUES (1, 'VO-Admin');
INSERT INTO m (userid, gid, rid) VALUES (1, 1, NULL), (1, 2, NULL), (1, 1, 1);
INSERT INTO attributes VALUES (1, 'nickname', '', 0);
INSERT INTO usr_attrs VALUES (1, 1, 'alice');
CREATE USER voms IDENTIFIED BY 'voms'; GRANT ALL ON voms.* TO voms;
"""


@dataclass(frozen=True)
class Vomsd:
    """The processes of the server and of its database."""

    pid: int
    database: int


@contextmanager
def vomsd(grid: Grid, directory: Path, member: Name) -> Iterator[Vomsd]:
    """The server at `grid.port`; `member` is in /vo and /vo/bio and may be VO-Admin. `directory` has the trust files."""
    with _database(directory) as (sock, database):
        schema = SCHEMA.format(ca=grid.authority.name.slash(), user=member.slash(), vo=grid.vo)
        subprocess.run([*_sql(sock)], input=schema, text=True, check=True)
        configuration = _configure(grid, directory, sock)
        with (directory / "voms.out").open("wb") as output:
            server = subprocess.Popen(["voms", "-conf", str(configuration), "-debug"], stdout=output, stderr=output)
        try:
            _until_open(grid.port, server)
            yield Vomsd(server.pid, database)
        finally:
            server.terminate()
            server.wait(20)


@contextmanager
def _database(directory: Path) -> Iterator[tuple[Path, int]]:
    """Its socket and its process."""
    data, sock, user = directory / "mariadb", directory / "mariadb.sock", getpass.getuser()
    common = ["--no-defaults", f"--datadir={data}", f"--user={user}"]
    install = ["mariadb-install-db", *common, "--auth-root-authentication-method=normal", "--skip-test-db"]
    subprocess.run(install, check=True, capture_output=True)
    small = ["--skip-networking", "--innodb-buffer-pool-size=16M", "--innodb-flush-log-at-trx-commit=0"]
    with (directory / "mariadb.out").open("wb") as output:
        command = ["mariadbd", *common, f"--socket={sock}", f"--pid-file={directory}/mariadb.pid", *small]
        server = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        for _attempt in range(300):
            if subprocess.run([*_sql(sock), "-e", "SELECT 1"], capture_output=True, check=False).returncode == 0:
                break
            time.sleep(0.1)
        yield sock, server.pid
    finally:
        server.terminate()
        server.wait(30)


def _sql(sock: Path) -> list[str]:
    return ["mariadb", "--no-defaults", f"--socket={sock}", "--user=root"]


def _configure(grid: Grid, directory: Path, sock: Path) -> Path:
    certificate, key = split_credential(grid.voms_server)
    (directory / "aacert.pem").write_bytes(certificate)
    write_secret(directory / "aakey.pem", key).chmod(0o400)
    password = directory / "password"
    password.write_text("voms\n")
    password.chmod(0o640)
    settings = {
        "vo": grid.vo,
        "port": grid.port,
        "code": grid.port,
        "uri": f"{grid.host}:{grid.port}",
        "dbname": "voms",
        "username": "voms",
        "passfile": password,
        "contactstring": "localhost",
        "mysql-socket": sock,
        "sqlloc": PLUGIN,
        "x509_cert_dir": directory / "certificates",
        "x509_user_cert": directory / "aacert.pem",
        "x509_user_key": directory / "aakey.pem",
        "timeout": 43200,
        "logfile": directory / "voms.log",
    }
    path = directory / "voms.conf"
    path.write_text("".join(f"--{name}={value}\n" for name, value in settings.items()))
    return path


def _until_open(port: int, server: "subprocess.Popen[bytes]") -> None:
    for _attempt in range(300):
        assert server.poll() is None, "the VOMS server has ended; see voms.out and voms.log"
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
            continue
        return
    raise AssertionError(f"the VOMS server does not listen on port {port}")
