"""The rules that every driver shares, at their edges."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.base.errors import BadRequest, QuotaExceeded
from hansa.cloud import diskformat, rules

QCOW2_HEADER = b"QFI\xfb\x00\x00\x00\x03".ljust(104, b"\0")


@given(st.text(max_size=300))
def test_a_default_hostname_is_always_a_hostname(name: str) -> None:
    assert rules.check_hostname(rules.default_hostname(name))


@given(st.text(max_size=300))
def test_a_name_is_taken_as_it_is_or_refused(name: str) -> None:
    with contextlib.suppress(BadRequest):
        assert rules.check_name(name) == name
        assert name.isprintable()


@pytest.mark.parametrize("hostname", ["a", "a.b", "A-1.example.org", "x" * 63, ".".join(["x" * 63] * 3)])
def test_hostnames(hostname: str) -> None:
    assert rules.check_hostname(hostname) == hostname


@pytest.mark.parametrize(
    "hostname", ["", ".", "a.", ".a", "a..b", "-a", "a-", "a_b", "a b", "x" * 64, "ä", "a\n", "x." * 130 + "x"]
)
def test_what_is_no_hostname(hostname: str) -> None:
    with pytest.raises(BadRequest):
        rules.check_hostname(hostname)


@pytest.mark.parametrize("size", [0.0, -0.1, float("nan"), float("inf"), 65_537.0])
def test_impossible_volume_sizes(size: float) -> None:
    with pytest.raises(BadRequest):
        rules.check_volume_size(size)


def test_a_quota_is_exact() -> None:
    rules.check_quota("servers", limit=2, used=1, requested=1)
    rules.check_quota("servers", limit=None, used=10**9, requested=10**9)
    with pytest.raises(QuotaExceeded):
        rules.check_quota("servers", limit=2, used=2, requested=1)


def test_who_gives_something_back_is_never_refused() -> None:
    """An operator may set a limit below what is used: nothing more is granted, and shrinking goes on."""
    rules.check_quota("vcpus", limit=2, used=4, requested=0)
    rules.check_quota("vcpus", limit=2, used=4, requested=-1)


@given(st.binary(max_size=200), st.sampled_from(["raw", "qcow2", "vmdk", ""]))
def test_a_header_is_taken_only_for_what_it_is(header: bytes, disk_format: str) -> None:
    with contextlib.suppress(BadRequest):
        diskformat.check_header(header, disk_format)
        assert diskformat.detect(header) == disk_format


@given(st.integers(8, 15), st.integers(1, 255))
def test_any_byte_of_a_backing_offset_is_noticed(at: int, byte: int) -> None:
    diskformat.check_header(QCOW2_HEADER, "qcow2")
    with pytest.raises(BadRequest, match="backing file"):
        diskformat.check_header(QCOW2_HEADER[:at] + bytes([byte]) + QCOW2_HEADER[at + 1 :], "qcow2")
