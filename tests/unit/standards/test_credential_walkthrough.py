"""The whole way once: an authority, a user, a proxy with attributes, and a site that believes them."""

from tests.support.pki import Grid

from hansa.standards.voms import Fqan, verify_acs
from hansa.standards.x509 import ProxyKind, parse_credential, render_credential, validate_chain


def test_a_voms_proxy_tells_who_it_is_and_what_groups_it_has() -> None:
    grid = Grid()
    alice = grid.user("Alice Example")
    proxy = grid.voms_proxy(alice, "/fedcloud.egi.eu", "/fedcloud.egi.eu/Role=VO-Admin")

    credential = parse_credential(render_credential(proxy))
    identity = validate_chain(credential.chain, grid.trust(), now=grid.now)
    (attributes,) = verify_acs(identity, grid.trust(), grid.vomsdir(), now=grid.now)

    assert identity.subject == grid.name("Alice Example")
    assert (identity.kind, identity.depth, identity.limited) == (ProxyKind.RFC3820, 1, False)
    assert attributes.fqans == (Fqan("/fedcloud.egi.eu"), Fqan("/fedcloud.egi.eu", "VO-Admin"))
    assert attributes.not_after <= identity.not_after


def test_all_trust_files_are_readable() -> None:
    grid = Grid()
    assert grid.trust().problems == ()
    assert grid.vomsdir().problems == ()
