"""Attribute certificates, case by case; the corpus is in `tests.support.acs`."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.acs import CASES, Attempt, Case
from tests.support.acs.corpus import presented
from tests.support.pki import Grid

from hansa.standards.errors import StandardError
from hansa.standards.voms import (
    Fqan,
    GenericAttribute,
    VomsAttributes,
    VomsDir,
    VomsError,
    ac_extension,
    carried_acs,
    issue_ac,
    verify_acs,
)
from hansa.standards.x509 import TrustStore, validate_chain

GOOD = [case for case in CASES if case.refused is None]
BAD = [case for case in CASES if case.refused is not None]


def verify(attempt: Attempt) -> tuple[VomsAttributes, ...]:
    trust = TrustStore.from_files(attempt.trust)
    vomsdir = VomsDir.from_files(attempt.vomsdir)
    identity = validate_chain(attempt.chain, trust, now=attempt.now)
    return verify_acs(identity, trust, vomsdir, now=attempt.now, hostnames=attempt.hostnames)


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case.name)
def test_a_good_attribute_certificate_is_accepted(case: Case) -> None:
    attempt = case.build(Grid())
    assert [str(fqan) for found in verify(attempt) for fqan in found.fqans] == list(attempt.fqans)


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.name)
def test_a_bad_attribute_certificate_refuses_the_credential(case: Case) -> None:
    attempt = case.build(Grid())
    with pytest.raises(StandardError) as refused:
        verify(attempt)
    assert refused.value.code == case.refused, refused.value.reason


GRID = Grid()
words = st.from_regex(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,8}", fullmatch=True)
groups = st.lists(words, max_size=3).map(lambda parts: "".join(f"/{part}" for part in (GRID.vo, *parts)))
fqans = st.builds(Fqan, groups, st.none() | words.filter(lambda word: word != "NULL"))
texts = st.text(max_size=20)


@given(
    st.lists(fqans, min_size=1, max_size=5),
    st.lists(st.builds(GenericAttribute, texts, texts, texts), max_size=3),
    st.lists(words, max_size=2),
)
def test_what_was_issued_is_what_is_verified(
    granted: list[Fqan], attributes: list[GenericAttribute], targets: list[str]
) -> None:
    alice = GRID.once("alice", GRID.user)
    ac = GRID.ac(alice, *(fqan.long for fqan in granted), attributes=attributes, targets=targets)
    (found,) = verify(replace(presented(GRID, ac), hostnames=targets))
    assert found.fqans == tuple(granted)
    assert found.attributes == tuple(attributes)


def test_attributes_end_with_the_credential_that_carries_them() -> None:
    grid = Grid()
    alice = grid.user()
    ac = grid.ac(alice, lifetime=timedelta(days=3))
    proxy = grid.proxy(alice, lifetime=timedelta(hours=1), extensions=[ac_extension([ac])])
    (found,) = verify(Attempt(proxy.chain, grid.trust_files(), grid.vomsdir_files()))
    assert found.not_after == grid.now + timedelta(hours=1)


def test_attributes_of_several_organisations_come_in_their_order() -> None:
    grid = Grid()
    alice = grid.user()
    other = Grid(vo="biomed", host="voms2")
    other.authority, other.voms_server = grid.authority, grid.host_credential("voms2")
    proxy = grid.proxy(alice, extensions=[ac_extension([other.ac(alice), grid.ac(alice)])])
    vomsdir = grid.vomsdir_files() | other.vomsdir_files()
    assert [found.vo for found in verify(Attempt(proxy.chain, grid.trust_files(), vomsdir))] == ["biomed", grid.vo]


def test_an_attribute_certificate_of_another_organisation_is_not_issued() -> None:
    grid = Grid()
    for names in ((), ("/other",), (f"/{grid.vo}", f"/{grid.vo}.evil")):
        with pytest.raises(VomsError) as refused:
            issue_ac(
                holder=grid.user().leaf,
                issuer=grid.voms_server.leaf,
                key=grid.voms_server.key,
                vo=grid.vo,
                host=grid.host,
                port=grid.port,
                fqans=[Fqan.parse(name) for name in names],
                not_before=grid.now,
                not_after=grid.now,
                serial=1,
            )
        assert refused.value.code == "voms.ac.attributes"


def test_every_proxys_attributes_are_told_to_who_narrows_by_them() -> None:
    grid = Grid()
    alice = grid.user()
    below = grid.proxy(grid.proxy(grid.voms_proxy(alice, f"/{grid.vo}")), extensions=[ac_extension([])])
    carried = carried_acs(validate_chain(below.chain, grid.trust(), now=grid.now))
    assert [[str(fqan) for ac in acs for fqan in ac.fqans] for acs in carried] == [[], [f"/{grid.vo}"]]
