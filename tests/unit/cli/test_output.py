"""Results: the same rows in every format, and nothing a site says may drive the terminal."""

import csv
import json

import pytest
import yaml

from hansa.cli.output import emit_list, emit_one, table

ROWS = [{"name": "a", "state": "active", "id": "1"}, {"name": "가나", "state": None, "id": "2"}]


def test_a_table_aligns_by_display_width() -> None:
    assert table(ROWS, ["name", "state", "id"]) == "NAME  STATE   ID\na     active  1\n가나          2\n"


def test_an_empty_table_prints_nothing() -> None:
    assert table([], ["name"]) == ""


def test_json_holds_items_and_errors(capsys: pytest.CaptureFixture[str]) -> None:
    emit_list(ROWS, ["name"], "json", errors=[{"site": "S", "code": "backend_down"}])
    assert json.loads(capsys.readouterr().out) == {"items": ROWS, "errors": [{"site": "S", "code": "backend_down"}]}


def test_json_is_valid_without_rows(capsys: pytest.CaptureFixture[str]) -> None:
    emit_list([], ["name"], "json")
    assert json.loads(capsys.readouterr().out) == {"items": [], "errors": []}


def test_jsonl_yaml_csv_and_names(capsys: pytest.CaptureFixture[str]) -> None:
    emit_list(ROWS, ["name", "id"], "jsonl")
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == ROWS
    emit_list(ROWS, ["name", "id"], "yaml")
    assert yaml.safe_load(capsys.readouterr().out)["items"] == ROWS
    emit_list(ROWS, ["name", "id"], "csv")
    assert list(csv.reader(capsys.readouterr().out.splitlines())) == [["name", "id"], ["a", "1"], ["가나", "2"]]
    emit_list(ROWS, ["name", "id"], "name")
    assert capsys.readouterr().out == "a\n가나\n"


def test_one_thing_in_table_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    emit_one({"name": "a", "long key": True}, "table")
    assert capsys.readouterr().out == "name      a\nlong key  yes\n"
    emit_one({"name": "a"}, "json")
    assert json.loads(capsys.readouterr().out) == {"name": "a"}


def test_control_characters_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    emit_list([{"name": "\x1b[2Jevil\r\n"}], ["name"], "table")
    assert "\x1b" not in capsys.readouterr().out


def test_csv_is_for_programs_in_every_language(capsys: pytest.CaptureFixture[str]) -> None:
    emit_list([{"name": "a", "fresh": True}], ["name", "fresh"], "csv")
    assert capsys.readouterr().out == "name,fresh\na,true\n"
