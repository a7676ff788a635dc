"""`hansa image build`: the tiny guest, made from Debian packages."""

from pathlib import Path

import click

from hansa.base.i18n import _
from hansa.cli.output import emit_one, output_option, say


@click.command(
    help=_(
        "Build the tiny guest image (qcow2) from this computer's Debian packages: no root, the same bytes each time."
    )
)
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--packages",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("var/guest/packages"),
    show_default=True,
    help=_("Where fetched packages are kept; what is there is not fetched again."),
)
@click.option("--refresh", is_flag=True, help=_("Fetch all packages anew."))
@output_option
def build(target: Path, packages: Path, refresh: bool, output: str) -> None:
    from hansa.cloud.guest import build_image  # only here: help needs none of it

    built = build_image(target, packages, refresh=refresh, progress=lambda step: say(f"{step} …"))
    row = {"path": str(built.path), "size": built.size_bytes, "sha256": built.sha256, "packages": list(built.packages)}
    emit_one(row, output)
