"""Write the reference pages that are made from the program itself: `python -m docs.generate`.

`tests/unit/test_docs.py` fails while a page differs from what this makes.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import click

os.environ["LANGUAGE"] = "en"  # before any message is translated

from tests.support.codes import import_everything

from hansa.base.config.reference import reference
from hansa.base.telemetry.metrics import REGISTRY
from hansa.cli.config import MODELS, model
from hansa.cli.main import CLASSIC_PROGRAMS, root
from hansa.federation.api.http import OPERATIONS
from hansa.federation.api.openapi import rights

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

FEDERATION_API = """\
# The registry's REST API

`/api/v1/…` on the federation's web listeners (`[web]` in [federation.toml](configuration.md)). `GET
/api/v1/openapi.json` describes it to programs, with every field. `hansa vo --url` speaks it.

**Who calls** is proved by the certificate of the connection, a user's own or a proxy; without one by an access token
made for the federation (`Authorization: Bearer …`), or by the session of a browser that is logged in. A limited proxy
may look and not change. VO administrators are the members with the role `VO-Admin` in the VO's own group; a
`Group-Manager` of a group decides about that group and those below. A membership that is suspended, has ended, or
waits for its policy too long gives no power. `me` stands for the caller's own uid.

**Bodies** are JSON objects of at most 64 KiB, sent as `application/json`; members that are not described are refused,
and so are parameters. Times are RFC 3339 with an offset; a day alone is its beginning in UTC. Refusals are RFC 9457
problem details ([codes](errors.md)); `field` names what is wrong. `PUT` and `DELETE` may be repeated. Where an answer
has an `ETag`, `If-Match` makes a change depend on it (412 otherwise). Lists with a `next` go on with `?after=NEXT`.

**Another site's pages** cannot spend what a browser sends by itself: changes need an `Origin` of the federation's
own, if there is one.

**To link another credential**, ask for a token with the one (`POST /persons/me/link-token`) and redeem it with the
other within 15 minutes (`POST /links`): both are proved. A credential of somebody else's is refused.

**The history** (`…/changes`) is written in the transaction of each change, with its actor, and numbered in the order
of commits: who asks for what comes after the last `seq` misses nothing.

| request | what it does | allowed to |
|---|---|---|
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


def federation_api() -> str:
    rows = "".join(
        f"| `{each.method} {re.sub(r':path', '', each.path)}` | {_cell(each.summary)} | {_cell('; '.join(rights(each)))} |\n"
        for each in OPERATIONS
    )
    return FEDERATION_API + rows


PAGES: Mapping[str, Callable[[], str]] = {
    "cli.md": commands,
    "configuration.md": configuration,
    "federation-api.md": federation_api,
    "metrics.md": metrics,
}


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
