"""Debian's slapd with the GLUE 2.0 schema on loopback, loaded from LDIF; skips where it is not installed."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.ports import free_port

SCHEMA = Path("/etc/ldap/schema")
INDEXED = "objectClass GLUE2DomainID GLUE2ServiceID GLUE2EndpointID GLUE2PolicyRule GLUE2ServiceType GLUE2EndpointInterfaceName"


def program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    if found is None or not (SCHEMA / "GLUE20.schema").exists():
        pytest.skip(f"{name} or Debian's glue-schema is not installed")
    return found


@contextlib.contextmanager
def slapd(directory: Path, ldif: bytes) -> Iterator[tuple[int, int]]:
    """Its port and process number, while the block lasts."""
    server, add = program("slapd"), program("slapadd")
    (directory / "db").mkdir()
    config = directory / "slapd.conf"
    config.write_text(
        f"""
        include {SCHEMA}/core.schema
        include {SCHEMA}/GLUE20.schema
        modulepath /usr/lib/ldap
        moduleload back_mdb
        allow bind_v2
        sizelimit unlimited
        threads 4
        pidfile {directory}/slapd.pid
        database mdb
        suffix "o=glue"
        directory {directory}/db
        maxsize 4294967296
        {"".join(f"index {name} eq{chr(10)}        " for name in INDEXED.split())}
        """.replace("\n        ", "\n")
    )
    data = directory / "data.ldif"
    data.write_bytes(ldif)
    subprocess.run([add, "-q", "-f", str(config), "-l", str(data)], check=True, capture_output=True, timeout=300)
    port = free_port()
    with (directory / "slapd.log").open("wb") as output:
        process = subprocess.Popen(
            [server, "-h", f"ldap://127.0.0.1:{port}", "-f", str(config), "-d", "0"], stdout=output, stderr=output
        )
        try:
            _wait(port)
            yield port, process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


def _wait(port: int) -> None:
    command = [program("ldapsearch"), "-x", "-H", f"ldap://127.0.0.1:{port}", "-s", "base", "-b", "o=glue", "1.1"]
    for _attempt in range(100):
        if subprocess.run(command, check=False, capture_output=True, timeout=10).returncode == 0:
            return
        time.sleep(0.1)
    raise AssertionError("slapd does not answer")
