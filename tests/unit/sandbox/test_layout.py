"""A federation stays on the addresses that its certificates were made for."""

from pathlib import Path

import pytest

from hansa.base.errors import Conflict
from hansa.sandbox import files
from hansa.sandbox.layout import laid_out


def test_a_new_federation_is_on_the_usual_addresses_or_where_told(tmp_path: Path) -> None:
    assert laid_out(tmp_path).voms_host == "localhost"
    assert [site.address for site in laid_out(tmp_path, "127.99").sites] == ["127.99.10.1", "127.99.20.1"]


def test_what_was_made_elsewhere_is_not_moved(tmp_path: Path) -> None:
    files.write_all(laid_out(tmp_path, "127.99"), tmp_path / "guest.qcow2")
    assert laid_out(tmp_path).network == laid_out(tmp_path, "127.99").network == "127.99"
    with pytest.raises(Conflict, match=r"was made on 127\.99"):
        laid_out(tmp_path, "127.0")
