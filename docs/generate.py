"""Write the reference pages that are made from the program itself: `python -m docs.generate`.

`tests/unit/test_docs.py` fails while a page differs from what this makes.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import click

os.environ["LANGUAGE"] = "en"  # before any message is translated

from tests.support.codes import import_everything

from hansa.base.config.reference import reference
from hansa.base.telemetry.metrics import REGISTRY
from hansa.cli.config import MODELS, model
from hansa.cli.main import CLASSIC_PROGRAMS, root

REFERENCE = Path(__file__).parent / "reference"

CONFIGURATION = """\
# Configuration

A component reads one TOML file. The environment wins over it: `url` in the table `[database]` is `HANSA_DATABASE__URL`. `<name>`
stands for a name and `<n>` for a number (from 0) of your own. Relative paths start at the file. Whatever is not listed here is
refused. `hansa config check` tells whether a file is right, `hansa config explain` what a setting means.
"""

METRICS = """\
# Metrics

Prometheus reads `/metrics`, from the networks that `telemetry.metrics_from` names. Beside these there are the `process_*` and
`python_*` metrics of the Prometheus client. Times are seconds.

| metric | type | labels | meaning |
|---|---|---|---|
"""

COMMANDS = """\
# Commands

Every command takes `-h`. Results go to standard output, talk to standard error. The same program answers to the names that users
already know, with the originals' options: {classic}.
"""


def configuration() -> str:

    parts = [f"## `{name}.toml`\n\n{reference(model(name))}" for name in sorted(MODELS, reverse=True)]
    return "\n".join([CONFIGURATION, *parts])


def metrics() -> str:
    import_everything()
    rows = ""
    for metric in sorted(REGISTRY.collect(), key=lambda found: found.name):
        name = metric.name + {"counter": "_total", "info": "_info"}.get(metric.type, "")
        if name.startswith("hansa_"):
            labels = ", ".join(f"`{label}`" for label in _labels(metric.name, name))
            rows += f"| `{name}` | {metric.type} | {labels} | {metric.documentation} |\n"
    return METRICS + rows


def commands() -> str:
    classic = ", ".join(f"`{name}`" for name in sorted(CLASSIC_PROGRAMS))
    parts = [COMMANDS.format(classic=classic), *_command(root, "hansa", click.Context(root, info_name="hansa"))]
    return "\n".join(parts)


PAGES: Mapping[str, Callable[[], str]] = {"cli.md": commands, "configuration.md": configuration, "metrics.md": metrics}


def _command(command: click.Command, path: str, context: click.Context) -> Iterator[str]:
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"## `{path}`\n\n{' '.join((command.help or '').split())}\n\n`{path} {usage}`\n"
    shown = [parameter for parameter in command.get_params(context) if "--help" not in parameter.opts]
    records = (parameter.get_help_record(context) for parameter in shown)
    options = [(name, text) for name, text in filter(None, records) if text]
    if options:
        yield "| option | meaning |\n|---|---|\n" + "".join(
            f"| `{_cell(name)}` | {_cell(text)} |\n" for name, text in options
        )
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            member = command.get_command(context, name)
            if member and not member.hidden:
                yield from _command(member, f"{path} {name}", click.Context(member, info_name=name, parent=context))


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _labels(*names: str) -> tuple[str, ...]:
    collectors = REGISTRY._names_to_collectors  # a metric without samples tells its labels nowhere else
    return next((tuple(getattr(collectors[name], "_labelnames", ())) for name in names if name in collectors), ())


if __name__ == "__main__":
    for name, make in PAGES.items():
        (REFERENCE / name).write_text(make())
