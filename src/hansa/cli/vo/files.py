"""`hansa vo vomses|lsc`: the files that clients and sites need, from the federation's configuration."""

import click

from hansa.base.i18n import _
from hansa.cli.output import say
from hansa.cli.vo.registry import config, vo_argument
from hansa.federation.config import FederationConfig
from hansa.federation.membership.errors import NoSuchVo
from hansa.standards.voms import VomsServer, render_lsc
from hansa.standards.x509 import Name, load_chain


@click.command(help=_("The line for /etc/vomses, with which clients find the VO's server."))
@vo_argument
def vomses(vo: str) -> None:
    found = config()
    chain = load_chain([found.voms.tls.certificate.read_bytes()])
    served = _served(found, vo)
    click.echo(VomsServer(vo, found.voms.hostname, served, Name.from_x509(chain[0].subject), vo).line())


@click.command(help=_("The content of vomsdir/VO/HOST.lsc, with which sites and clients verify the VO's certificates."))
@vo_argument
def lsc(vo: str) -> None:
    found = config()
    _served(found, vo)
    chain = load_chain([found.voms.authority.certificate.read_bytes()])
    say(_("For {path}:").format(path=f"vomsdir/{vo}/{found.voms.hostname}.lsc"))
    click.echo(render_lsc(chain[:1]).decode(), nl=False)


def _served(found: FederationConfig, vo: str) -> int:
    """The VO's port."""
    if vo not in found.voms.vos:
        raise NoSuchVo(_("The configuration names no server for {vo}.").format(vo=vo))
    return found.voms.vos[vo].port
