"""Attribute certificates, case by case; the corpus is in `tests.support.acs`."""

import pytest
from tests.support.acs import CASES, Attempt, Case
from tests.support.pki import Grid

from hansa.standards.errors import StandardError
from hansa.standards.voms import VomsAttributes, VomsDir, verify_acs
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
