"""Results on stdout: tables for people; json, jsonl, yaml, csv and names for programs. Talk goes to stderr."""

import csv
import json
import sys
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

from hansa.base.i18n import _

FORMATS = ("table", "json", "jsonl", "yaml", "csv", "name")

Row = Mapping[str, Any]
F = TypeVar("F", bound=Callable[..., Any])


def output_option(command: F) -> F:
    """The `-o` that every command with results has; it arrives as the parameter `output`."""
    option = click.option(
        "-o",
        "--output",
        type=click.Choice(FORMATS),
        default="table",
        show_default=True,
        help=_("How to print the result."),
    )
    return option(command)


def say(text: str) -> None:
    """Talk to the person: stderr, so that stdout holds data alone."""
    click.echo(printable_lines(text), err=True)


def emit_list(rows: Sequence[Row], columns: Sequence[str], output: str, *, errors: Sequence[Row] = ()) -> None:
    """Print a listing. `columns` are the keys that tables and CSV show; JSON and YAML hold every key.

    `errors` (site, code, message) are what could not be asked; JSON and YAML carry them beside the items.
    """
    match output:
        case "json":
            click.echo(json.dumps({"items": list(rows), "errors": list(errors)}, ensure_ascii=False, indent=2))
        case "yaml":
            click.echo(_yaml({"items": list(rows), "errors": list(errors)}), nl=False)
        case "jsonl":
            for row in rows:
                click.echo(json.dumps(row, ensure_ascii=False))
        case "csv":
            writer = csv.writer(sys.stdout, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows([_cell(row.get(column), people=False) for column in columns] for row in rows)
        case "name":
            for row in rows:
                click.echo(_cell(row.get("name", row.get("id"))))
        case _:
            click.echo(table(rows, columns), nl=False)


def emit_one(row: Row, output: str) -> None:
    """Print one thing with all its keys."""
    match output:
        case "json":
            click.echo(json.dumps(row, ensure_ascii=False, indent=2))
        case "jsonl":
            click.echo(json.dumps(row, ensure_ascii=False))
        case "yaml":
            click.echo(_yaml(row), nl=False)
        case "csv" | "name":
            emit_list([row], list(row), output)
        case _:
            width = max((_width(key) for key in row), default=0)
            for key, value in row.items():
                click.echo(f"{_pad(key, width)}  {_cell(value)}")


def table(rows: Sequence[Row], columns: Sequence[str]) -> str:
    """Columns of equal display width, a heading, no frame: reads well and greps well."""
    if not rows:
        return ""
    cells = [[column.upper() for column in columns], *([_cell(row.get(c)) for c in columns] for row in rows)]
    widths = [max(_width(line[i]) for line in cells) for i in range(len(columns))]
    lines = ("  ".join(_pad(cell, width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells)
    return "".join(f"{line}\n" for line in lines)


def _cell(value: object, *, people: bool = True) -> str:
    """`people`: yes and no in the reader's language; programs get true and false in every language."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return (_("yes") if value else _("no")) if people else json.dumps(value)
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Sequence | Mapping):
        return printable(json.dumps(value, ensure_ascii=False))
    return str(value)


def printable(text: str) -> str:
    """A site's words must not drive the terminal: control characters become question marks."""
    return "".join("?" if unicodedata.category(c) in {"Cc", "Cf", "Cs"} else c for c in text)


def printable_lines(text: str) -> str:
    """`printable`, but for the line ends."""
    return "\n".join(printable(line) for line in text.split("\n"))


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _pad(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _yaml(value: object) -> str:
    import yaml  # only here: it costs start-up time

    return str(yaml.safe_dump(value, allow_unicode=True, sort_keys=False))
