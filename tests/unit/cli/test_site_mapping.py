"""`hansa site mapping`: rules are read, doubtful ones told, and tried on claims."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hansa.cli.site_mapping import command

GOOD = [
    {
        "local": [{"user": {"name": "{0}"}, "group": {"name": "fedcloud", "domain": {"name": "Default"}}}],
        "remote": [{"type": "OIDC-sub"}, {"type": "OIDC-vo", "any_one_of": ["^fedcloud$"], "regex": True}],
    }
]


def run(tmp_path: Path, rules: Any, *arguments: str, claims: Any = None) -> Result:
    (tmp_path / "rules.json").write_text(rules if isinstance(rules, str) else json.dumps(rules))
    if claims is not None:
        (tmp_path / "claims.json").write_text(claims if isinstance(claims, str) else json.dumps(claims))
        arguments = (*arguments, "--claims", str(tmp_path / "claims.json"))
    return CliRunner().invoke(command, [str(tmp_path / "rules.json"), *arguments])


def test_good_rules_are_called_good(tmp_path: Path) -> None:
    found = run(tmp_path, GOOD)
    assert found.exit_code == 0
    assert "good" in found.stderr


def test_doubtful_rules_are_told_with_their_place(tmp_path: Path) -> None:
    found = run(tmp_path, json.dumps(GOOD).replace("^fedcloud$", "egi.eu"), "-o", "json")
    rows = json.loads(found.stdout)["items"]
    assert {row["where"] for row in rows} == {"rules[0].remote[1].any_one_of[0]"}
    assert len(rows) == 2


def test_claims_show_whom_the_rules_make(tmp_path: Path) -> None:
    found = run(tmp_path, GOOD, "-o", "json", claims={"sub": "f00d", "vo": ["x", "fedcloud"]})
    row = json.loads(found.stdout)
    assert (row["user"], row["groups"]) == ("f00d", ["Default/fedcloud"])


@pytest.mark.parametrize(
    ("rules", "claims", "code"),
    [("{", {}, "mapping.syntax"), ([{}], {}, "mapping.schema"), (GOOD, {"sub": "x"}, "mapping.no_match")],
)
def test_what_does_not_work_has_its_code(tmp_path: Path, rules: Any, claims: Any, code: str) -> None:
    found = run(tmp_path, rules, claims=claims)
    assert getattr(found.exception, "code", None) == code


@pytest.mark.parametrize("claims", ["{", "[]", "[" * 100_000])
def test_claims_must_be_a_json_object(tmp_path: Path, claims: str) -> None:
    found = run(tmp_path, GOOD, claims=claims)
    assert getattr(found.exception, "code", None) == "bad_request"
