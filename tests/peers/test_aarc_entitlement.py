"""`aarc-entitlement`, the guideline's own library, reads what we write and agrees on what is the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.standards.entitlements import Entitlement, EntitlementError

aarc = pytest.importorskip("aarc_entitlement", reason="aarc-entitlement is not installed")
pytestmark = pytest.mark.peer

# No group is called `group`: the peer would take the last one for the mark, we the first.
part = st.text("aZ09.-_", min_size=1, max_size=6) | st.sampled_from(["a%20b", "%c3%a9", "role%3Dx"])
texts = st.builds(
    "{}:group:{}{}{}".format,
    st.sampled_from(["urn:mace:egi.eu", "URN:Geant:X.org:y", "urn:a1:b"]),
    st.lists(part, min_size=1, max_size=4).map(":".join),
    st.just("") | part.map(":role={}".format),
    st.just("") | st.sampled_from(["#aai.egi.eu", "#x-y.org"]),
)


@given(texts)
def test_both_find_the_same_parts(text: str) -> None:
    theirs, ours = aarc.G069(text), Entitlement.parse(text)
    assert theirs == aarc.G069(str(ours))
    assert theirs.group_authority == ours.authority
    assert len(theirs.subgroups) == len(ours.group) - 1
    assert (theirs.role is None) == (ours.role is None)


@given(texts)
def test_the_peer_reads_what_is_written(text: str) -> None:
    written = str(Entitlement.parse(text))
    assert repr(aarc.G069(written)) == written


@given(texts.map(lambda text: text.replace(":", "", 1)) | st.text("urn:group=a#", max_size=30))
def test_what_the_peer_refuses_is_refused(text: str) -> None:
    try:
        aarc.G069(text)
    except aarc.Error:
        with pytest.raises(EntitlementError):
            Entitlement.parse(text)
