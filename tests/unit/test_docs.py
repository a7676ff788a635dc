"""Every error code, metric, setting and command is documented, and nothing that is documented is gone."""

import re

import pytest
from docs.generate import PAGES, REFERENCE
from tests.support.codes import refusals, rules

ROW = re.compile(r"^\| `([a-z0-9_.]+)` \|(?: (\d+)? \|)?", re.MULTILINE)
INNER = {"cancelled"}  # a workflow's outcome, no refusal


def documented() -> dict[str, str]:
    """Codes on the page, with their status."""
    return dict(ROW.findall((REFERENCE / "errors.md").read_text()))


def test_every_refusal_is_documented_with_its_status() -> None:
    page = documented()
    assert {code: page.get(code) for code in refusals()} == {
        code: str(kind.status) for code, kind in refusals().items()
    }


def test_every_rule_is_documented() -> None:
    assert rules() - set(documented()) == set()


def test_no_documented_code_is_gone() -> None:
    assert set(documented()) - set(refusals()) - rules() - INNER == set()


@pytest.mark.parametrize("page", PAGES)
def test_a_page_made_from_the_program_is_current(page: str) -> None:
    assert (REFERENCE / page).read_text() == PAGES[page](), "run: python -m docs.generate"
