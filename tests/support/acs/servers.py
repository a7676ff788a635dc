"""Servers that are not the ordinary one, and certificates sealed by them."""

from dataclasses import replace
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from tests.support.acs.corpus import (
    Attempt,
    alice,
    extensions,
    forged,
    general_names,
    lsc,
    presented,
)
from tests.support.pki import NOW, Grid, rsa_key

from hansa.standards.x509 import Credential, Name, issue
from hansa.standards.x509.der import context, tlv


def made_critical(grid: Grid, oid: x509.ObjectIdentifier) -> list[tuple[x509.ObjectIdentifier, bool, bytes]]:
    return [(o, o == oid, value) for o, _, value in extensions(grid.voms_server.leaf)]


def server_of(
    grid: Grid, authority: issue.Authority, *above: x509.Certificate, name: Name | None = None, now: datetime = NOW
) -> Attempt:
    """A server of another authority, with all it would need in the vomsdir."""
    key = rsa_key("aa")
    server = issue.host_certificate(
        authority,
        name or grid.name("localhost", "hosts"),
        key.public_key(),
        hostnames=["localhost"],
        now=now,
        serial=8,
        lifetime=timedelta(days=300),
    )
    sealed = forged(
        grid,
        issuer=tlv(context(0), general_names(server.subject)),
        extensions=extensions(server, *above),
        key=key,
    )
    return replace(presented(grid, sealed), vomsdir=lsc(grid, server, *above))


def other_server(grid: Grid, key: ec.EllipticCurvePrivateKey) -> Attempt:
    certificate = issue.host_certificate(
        grid.authority, grid.name("localhost", "hosts"), key.public_key(), hostnames=["localhost"], now=NOW, serial=8
    )
    grid.voms_server = Credential((certificate,), key)
    return presented(grid, grid.ac(alice(grid)))
