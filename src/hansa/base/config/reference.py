"""The reference of a component's configuration, as Markdown: docs/reference/configuration.md is made of it."""

from itertools import groupby

from pydantic import BaseModel

from hansa.base.config.schema import Setting, setting, settings


def explain(model: type[BaseModel], key: str) -> tuple[Setting, ...]:
    """The setting `key`, or all settings of the table `key`; empty if the model knows neither."""
    found = setting(model, key.split("."))
    return (found,) if found else tuple(s for s in settings(model) if s.key.startswith(f"{key}."))


def reference(model: type[BaseModel]) -> str:
    """One heading and table for each table of the file."""
    parts = []
    for table, members in groupby(settings(model), key=lambda s: s.key.rpartition(".")[0]):
        rows = [
            f"| `{s.key.rpartition('.')[2]}` | {_cell(s.type)} | {_default(s)} | {_cell(s.description)} |"
            for s in members
        ]
        heading = f"### `[{table}]`\n\n" if table else ""
        parts.append("\n".join([f"{heading}| setting | type | default | meaning |", "|---|---|---|---|", *rows]))
    return "\n\n".join(parts) + "\n"


def _default(setting: Setting) -> str:
    return "*required*" if setting.default is None else f"`{_cell(setting.default)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
