"""The list of attacks in docs/explanation/security.md names tests that are there."""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs/explanation/security.md"
NAMED = re.compile(r"`((?:unit|e2e|support)/[\w/]+\.py)(?:::(\w+))?`")


def named() -> list[tuple[str, str]]:
    return sorted(set(NAMED.findall(PAGE.read_text())))


def test_every_line_names_a_test() -> None:
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ") and "---" not in line]
    attacks = [line for line in lines if not line.startswith("| attack |")]
    assert len(attacks) > 50
    assert [line for line in attacks if not NAMED.search(line)] == []


@pytest.mark.parametrize(("path", "name"), named())
def test_it_is_there(path: str, name: str) -> None:
    tree = ast.parse((TESTS / path).read_text())
    defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert not name or name in defined
