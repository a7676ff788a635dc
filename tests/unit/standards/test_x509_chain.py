"""Path validation, case by case; the corpus is in `tests.support.chains`."""

import pytest
from tests.support.chains import CASES, Case
from tests.support.pki import Grid

from hansa.standards.x509 import TrustStore, X509Error, validate_chain

GOOD = [case for case in CASES if case.refused is None]
BAD = [case for case in CASES if case.refused is not None]


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case.name)
def test_a_good_chain_is_accepted(case: Case) -> None:
    attempt = case.build(Grid())
    trust = TrustStore.from_files(attempt.files, policy=attempt.trust_policy)
    identity = validate_chain(attempt.chain, trust, now=attempt.now, policy=attempt.policy)
    assert identity.chain[: identity.depth + 1] == tuple(attempt.chain[: identity.depth + 1])
    assert identity.not_after == min(certificate.not_valid_after_utc for certificate in identity.chain)


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.name)
def test_a_bad_chain_is_refused_for_its_reason(case: Case) -> None:
    attempt = case.build(Grid())
    trust = TrustStore.from_files(attempt.files, policy=attempt.trust_policy)
    with pytest.raises(X509Error) as refused:
        validate_chain(attempt.chain, trust, now=attempt.now, policy=attempt.policy)
    assert refused.value.code == case.refused, refused.value.reason
