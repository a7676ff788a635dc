"""Attribute certificates that fail for their signature or their server."""

from dataclasses import replace
from datetime import timedelta

from cryptography.hazmat.primitives.serialization import Encoding
from tests.support.acs.corpus import (
    Attempt,
    ac,
    alice,
    attempt,
    extensions,
    forged,
    general_names,
    presented,
)
from tests.support.acs.servers import server_of
from tests.support.chains import corpus as chains
from tests.support.pki import NOW, VO, Grid, rsa_key

from hansa.standards.voms.errors import VomsCode
from hansa.standards.x509 import Name, X509Code, issue
from hansa.standards.x509.der import context, tlv


@ac(VomsCode.AC_SIGNATURE)
def signed_with_another_key(grid: Grid) -> bytes:
    return forged(grid, key=rsa_key("stranger"))


@ac(VomsCode.AC_SIGNATURE)
def content_changed_after_signing(grid: Grid) -> bytes:
    good = grid.ac(alice(grid), f"/{VO}/bio")
    return good.replace(b"/bio/", b"/boo/")


@ac(VomsCode.AC_SIGNATURE)
def signature_of_zeros(grid: Grid) -> bytes:
    good = forged(grid)
    return good[:-256] + bytes(256)


@ac(VomsCode.AC_SIGNATURE)
def elliptic_algorithm_for_an_rsa_server(grid: Grid) -> bytes:
    algorithm = bytes.fromhex("300a06082a8648ce3d040302")
    return forged(grid, algorithm=algorithm, outer_algorithm=algorithm)


@attempt(VomsCode.AC_UNKNOWN_SERVER)
def server_of_an_unknown_organisation(grid: Grid) -> Attempt:
    return replace(presented(grid, grid.ac(alice(grid))), vomsdir={})


@attempt(VomsCode.AC_UNKNOWN_SERVER)
def other_host_of_the_same_authority(grid: Grid) -> Attempt:
    rogue = grid.host_credential("rogue")
    sealed = forged(
        grid,
        issuer=tlv(context(0), general_names(rogue.leaf.subject)),
        extensions=extensions(rogue.leaf),
        key=rogue.key,
    )
    return presented(grid, sealed)


@ac(VomsCode.AC_ISSUER)
def other_host_under_the_servers_name(grid: Grid) -> bytes:
    rogue = grid.host_credential("rogue")
    return forged(grid, extensions=extensions(rogue.leaf), key=rogue.key)


@attempt(VomsCode.AC_UNKNOWN_SERVER)
def user_certificate_as_a_server(grid: Grid) -> Attempt:
    eve = grid.user("Eve")
    sealed = forged(
        grid, issuer=tlv(context(0), general_names(eve.leaf.subject)), extensions=extensions(eve.leaf), key=eve.key
    )
    return presented(grid, sealed)


@attempt(X509Code.CHAIN_UNTRUSTED)
def forged_root_that_the_lsc_file_names(grid: Grid) -> Attempt:
    name = Name.of(("DC", "org"), ("DC", "example"), ("CN", "Forged CA"))
    fake = issue.create_authority(name, rsa_key("stranger"), now=NOW, serial=1)
    return server_of(grid, fake, fake.certificate)


@attempt(X509Code.SIGNATURE)
def forged_root_with_the_name_of_the_true_one(grid: Grid) -> Attempt:
    fake = issue.create_authority(grid.authority.name, rsa_key("stranger"), now=NOW, serial=1)
    return server_of(grid, fake, fake.certificate)


@attempt(X509Code.REVOKED)
def revoked_server(grid: Grid) -> Attempt:
    sealed = grid.ac(alice(grid))
    grid.revoke(grid.voms_server)
    return presented(grid, sealed)


@attempt(X509Code.EXPIRED)
def expired_server(grid: Grid) -> Attempt:
    return server_of(grid, grid.authority, now=NOW - timedelta(days=400))


@attempt(X509Code.NAMESPACE_OUTSIDE)
def server_outside_its_authoritys_namespace(grid: Grid) -> Attempt:
    return server_of(grid, grid.authority, name=Name.of(("DC", "net"), ("CN", "voms")))


@attempt(X509Code.CRL_MISSING)
def no_revocation_list_for_the_servers_authority(grid: Grid) -> Attempt:
    other = issue.create_authority(
        Name.of(("DC", "org"), ("DC", "example"), ("CN", "Second CA")), rsa_key("second"), now=NOW, serial=1
    )
    found = server_of(grid, other)
    return replace(found, trust={**found.trust, **chains.without(chains.published(other), ".r0")})


@attempt(VomsCode.AC_SIGNATURE)
def one_of_two_is_forged(grid: Grid) -> Attempt:
    return presented(grid, grid.ac(alice(grid)), forged(grid, key=rsa_key("stranger")))


@attempt(VomsCode.AC_UNKNOWN_SERVER)
def lsc_file_shorter_than_the_chain(grid: Grid) -> Attempt:
    server = grid.voms_server.leaf
    sealed = forged(grid, extensions=extensions(server, grid.authority.certificate))
    return presented(grid, sealed)


@attempt(VomsCode.AC_UNKNOWN_SERVER)
def certificate_of_another_key_in_the_vomsdir(grid: Grid) -> Attempt:
    renewed = grid.host_credential("localhost", label="renewed")
    pem = renewed.leaf.public_bytes(Encoding.PEM)
    return replace(presented(grid, grid.ac(alice(grid))), vomsdir={f"{VO}/server.pem": pem})
