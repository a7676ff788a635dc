"""`hansa classic`: put the names users already know into a directory, which they add to PATH when they want them.

They are not installed beside `hansa`: a machine may have the originals, and which one answers is its owner's choice.
"""

import sys
from pathlib import Path

import click

from hansa.base.i18n import _
from hansa.cli.main import CLASSIC_PROGRAMS
from hansa.cli.output import say

_LAUNCHER = """#!{python}
import sys
from hansa.cli.main import main
sys.exit(main())
"""


@click.group(help=_("The names users already know: occi, voms-proxy-init …"))
def classic() -> None:
    pass


@classic.command(help=_("Put hansa and the classic names into DIRECTORY; add it to PATH to use them."))
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
def link(directory: Path) -> None:
    link_programs(directory)
    say(_("Now: export PATH={directory}:$PATH").format(directory=directory.resolve()))


def link_programs(directory: Path) -> None:
    """Write a launcher `hansa` for this Python, and link every classic name to it. What stands there is replaced."""
    directory.mkdir(parents=True, exist_ok=True)
    launcher = directory / "hansa"
    launcher.unlink(missing_ok=True)
    launcher.write_text(_LAUNCHER.format(python=sys.executable))
    launcher.chmod(0o755)
    for name in CLASSIC_PROGRAMS:
        target = directory / name
        target.unlink(missing_ok=True)
        target.symlink_to("hansa")
