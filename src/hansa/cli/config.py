"""`hansa config`: is a configuration right, what does a setting mean, what settings are there?"""

import importlib
import os
from pathlib import Path

import click
from pydantic import BaseModel

from hansa.base.config import read
from hansa.base.config.reference import explain as explanations
from hansa.base.config.reference import reference as markdown
from hansa.base.config.schema import Setting
from hansa.base.errors import NotFound
from hansa.base.i18n import _
from hansa.cli.output import emit_list, emit_one, output_option, say

MODELS = {
    "federation": "hansa.federation.config:FederationConfig",
    "keystone": "hansa.site.openstack.wrapper.settings:WrapperConfig",
    "site": "hansa.site.config:SiteConfig",
}
component_argument = click.argument("component", type=click.Choice(sorted(MODELS)))


@click.group(help=_("Check and explain the configuration of a site or of the federation."))
def config() -> None:
    pass


@config.command(help=_("Is the file (with the environment's HANSA_… overrides) right? Shows what is set, and where."))
@component_argument
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@output_option
def check(component: str, file: Path, output: str) -> None:
    loaded = read(file, model(component), os.environ)
    rows = [{"setting": key, "from": origin} for key, origin in sorted(loaded.origins.items())]
    emit_list(rows, ["setting", "from"], output)
    say(_("{file} is right.").format(file=file))


@config.command(
    help=_("What does a setting mean? KEY is dotted, as in database.url; a table explains all its settings.")
)
@component_argument
@click.argument("key")
@output_option
def explain(component: str, key: str, output: str) -> None:
    found = explanations(model(component), key)
    if not found:
        message = _("There is no setting {key}.").format(key=key)
        raise NotFound(
            message, next=_("see all of them: hansa config reference {component}").format(component=component)
        )
    rows = [_row(setting) for setting in found]
    if len(rows) == 1:
        emit_one(rows[0], output)
    else:
        emit_list(rows, list(rows[0]), output)


@config.command(help=_("Print all settings of a component as Markdown."))
@component_argument
def reference(component: str) -> None:
    click.echo(markdown(model(component)), nl=False)


def model(component: str) -> type[BaseModel]:
    """The component's settings; imported late, since only this command needs them."""
    module, _colon, name = MODELS[component].partition(":")
    found: type[BaseModel] = getattr(importlib.import_module(module), name)
    return found


def _row(setting: Setting) -> dict[str, str | bool | None]:
    return {
        "setting": setting.key,
        "type": setting.type,
        "default": setting.default,
        "required": setting.default is None,
        "variable": setting.variable,
        "meaning": setting.description,
    }
