"""Attribute certificates that must be accepted."""

from dataclasses import replace
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from tests.support.acs.corpus import (
    CRITICAL_UNKNOWN,
    NULL,
    Attempt,
    ac,
    alice,
    attempt,
    extensions,
    forged,
    general_names,
    holder,
    lsc,
    presented,
    validity,
)
from tests.support.acs.servers import other_server
from tests.support.chains import corpus as chains
from tests.support.pki import NOW, VO, Grid, rsa_key

from hansa.standards.voms import GenericAttribute
from hansa.standards.voms.asn1types import (
    AC_SEQUENCE,
)
from hansa.standards.x509 import issue
from hansa.standards.x509.der import context, tlv


@ac()
def issued_by_us(grid: Grid) -> bytes:
    return grid.ac(alice(grid))


@ac()
def forged_without_a_change(grid: Grid) -> bytes:
    return forged(grid)


@ac()
def holder_named_by_issuer_as_the_rfc_says(grid: Grid) -> bytes:
    return forged(grid, holder=holder(alice(grid).leaf.issuer, alice(grid).leaf.serial_number))


@ac()
def issued_by_a_clock_that_is_four_minutes_ahead(grid: Grid) -> bytes:
    return forged(grid, validity=validity(NOW + timedelta(minutes=4), NOW + timedelta(hours=12)))


@ac()
def unknown_extension_that_is_not_critical(grid: Grid) -> bytes:
    extension = (CRITICAL_UNKNOWN[0], False, NULL)
    return forged(grid, extensions=[*extensions(grid.voms_server.leaf), extension])


@attempt()
def several_names_and_a_role(grid: Grid) -> Attempt:
    fqans = (f"/{VO}/bio/Role=vm_operator", f"/{VO}", f"/{VO}/bio")
    return replace(presented(grid, grid.ac(alice(grid), *fqans)), fqans=fqans)


@attempt()
def generic_attributes(grid: Grid) -> Attempt:
    attributes = [GenericAttribute("nickname", "alice", VO), GenericAttribute("메일", "앨리스", f"/{VO}")]
    return presented(grid, grid.ac(alice(grid), attributes=attributes))


@attempt()
def meant_for_this_host(grid: Grid) -> Attempt:
    return presented(grid, grid.ac(alice(grid), targets=["other.example.org", "CLOUD.example.org"]))


@attempt()
def no_sequence_in_the_leaf_but_in_its_parent(grid: Grid) -> Attempt:
    parent = grid.voms_proxy(alice(grid))
    return Attempt(grid.proxy(parent).chain, grid.trust_files(), grid.vomsdir_files())


@attempt()
def empty_sequence_gives_no_attributes(grid: Grid) -> Attempt:
    return replace(presented(grid), fqans=())


@attempt()
def in_the_user_certificate_it_is_not_looked_at(grid: Grid) -> Attempt:
    extension = x509.UnrecognizedExtension(AC_SEQUENCE, b"garbage")
    user = chains.eec(grid, extensions=[*chains.EEC_EXTENSIONS, (extension, False)])
    return Attempt(user.chain, grid.trust_files(), {}, fqans=())


@attempt()
def server_known_by_its_certificate(grid: Grid) -> Attempt:
    pem = grid.voms_server.leaf.public_bytes(Encoding.PEM)
    return replace(presented(grid, grid.ac(alice(grid))), vomsdir={f"{VO}/server.pem": pem})


@attempt()
def server_known_by_its_certificate_and_not_sent(grid: Grid) -> Attempt:
    pem = grid.voms_server.leaf.public_bytes(Encoding.PEM)
    bare = forged(grid, extensions=extensions(grid.voms_server.leaf)[1:])
    return replace(presented(grid, bare), vomsdir={"server.pem": pem})


@attempt()
def server_below_an_intermediate(grid: Grid) -> Attempt:
    authority = chains.intermediate(grid)
    server = issue.host_certificate(
        authority,
        grid.name("localhost", "hosts"),
        rsa_key("aa").public_key(),
        hostnames=["localhost"],
        now=NOW,
        serial=8,
    )
    sealed = forged(
        grid,
        issuer=tlv(context(0), general_names(server.subject)),
        extensions=extensions(server, authority.certificate),
        key=rsa_key("aa"),
    )
    files = chains.without(chains.published(authority), ".pem", ".0")
    attempt_ = presented(grid, sealed)
    return replace(attempt_, trust={**attempt_.trust, **files}, vomsdir=lsc(grid, server, authority.certificate))


@attempt()
def second_chain_of_the_lsc_file(grid: Grid) -> Attempt:
    good = grid.vomsdir_files()[f"{VO}/localhost.lsc"]
    return replace(
        presented(grid, grid.ac(alice(grid))),
        vomsdir={f"{VO}/localhost.lsc": b"/CN=old\n/CN=older\n------ NEXT CHAIN ------\n# now\n\n" + good},
    )


@attempt()
def lsc_file_that_goes_up_to_the_root(grid: Grid) -> Attempt:
    return replace(
        presented(grid, grid.ac(alice(grid))), vomsdir=lsc(grid, grid.voms_server.leaf, grid.authority.certificate)
    )


@attempt()
def elliptic_server(grid: Grid) -> Attempt:
    return other_server(grid, ec.generate_private_key(ec.SECP256R1()))
