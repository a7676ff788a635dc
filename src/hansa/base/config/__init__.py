"""Configuration: a TOML file and the environment above it, checked against a model before anything starts.

    class SiteConfig(Settings):
        database: DatabaseSettings = Field(description="Where the site keeps its rows.")

    config = load(Path("site.toml"), SiteConfig, os.environ)

A setting `url` in the table `[database]` is overridden by `HANSA_DATABASE__URL`; deeper tables add further `__`. A list
or a table in the environment is written as in TOML (`["a", "b"]`). Names that hold no `__` (`HANSA_PROFILE`) are not
settings. Whatever the model does not know is refused, with the nearest name that it does.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, ValidationInfo

from hansa.base.config.problems import Problem, of_syntax, of_validation
from hansa.base.errors import ConfigurationError

PREFIX = "HANSA_"
Keys = tuple[str, ...]


class Settings(BaseModel):
    """A table of the file. Every field needs a description: it becomes the reference and the text of refusals."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, revalidate_instances="always")


def _from_file(path: Path, info: ValidationInfo) -> Path:
    directory: Path = (info.context or {}).get("directory", Path())
    return directory / path.expanduser()


FilePath = Annotated[Path, AfterValidator(_from_file)]
"""A path in a setting; a relative one starts at the configuration file's directory."""


SQLITE = "sqlite:///"


def _url_from_file(url: str, info: ValidationInfo) -> str:
    if not url.startswith(SQLITE) or url == SQLITE:
        return url
    return f"{SQLITE}{_from_file(Path(url.removeprefix(SQLITE)), info)}"


class DatabaseSettings(Settings):
    url: Annotated[str, AfterValidator(_url_from_file)] = Field(
        description="`sqlite:///PATH` (four slashes for an absolute path) or `postgresql://USER@HOST/NAME`."
    )
    threads: int = Field(8, ge=1, le=100, description="Transactions at once.")


M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Loaded(Generic[M]):
    """A configuration, and for each setting that was given the place that gave it: `site.toml` or `HANSA_DATABASE__URL`."""

    value: M
    origins: Mapping[str, str]


def load(path: Path | None, model: type[M], environ: Mapping[str, str]) -> M:
    """The checked configuration. ConfigurationError names file, line, setting and what to do; `details["problems"]` has all."""
    return read(path, model, environ).value


def read(path: Path | None, model: type[M], environ: Mapping[str, str]) -> Loaded[M]:
    """As `load`, with the origins. `path` None: environment and defaults only."""
    text = _text(path)
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _refusal([of_syntax(str(path), str(error))]) from error
    origins = {key: str(path) for key in _keys(values)}
    overrides = {_key(name): name for name in sorted(environ) if name.startswith(PREFIX) and "__" in name}
    for key, name in overrides.items():
        _put(values, key, _value(name, environ[name]))
        origins[".".join(key)] = name
    try:
        value = model.model_validate(_merged(model, values), context={"directory": path.parent if path else Path()})
    except ValidationError as error:
        raise _refusal(of_validation(error, model, text, str(path), overrides)) from error
    return Loaded(value, origins)


def _text(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}; name the configuration file with --config."
        raise ConfigurationError(message, key="") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not UTF-8 text.", key="") from error


def _key(name: str) -> Keys:
    return tuple(name.removeprefix(PREFIX).lower().split("__"))


def _value(name: str, text: str) -> Any:
    if not text.startswith(("[", "{")):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        message = "this starts like a list or a table and is not one in TOML"
        raise _refusal([Problem("", name, None, message)]) from None


def _put(values: dict[str, Any], key: Keys, value: Any) -> None:
    *tables, last = key
    for table in tables:
        inner = values.setdefault(table, {})
        if not isinstance(inner, dict):
            return  # the model refuses what stands there
        values = inner
    values[last] = value


def _merged(model: type[BaseModel], values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` above the defaults that `model` gives whole tables, so that setting one key of a table keeps the others."""
    merged = dict(values)
    for name, field in model.model_fields.items():
        table, default, given = field.annotation, field.default, values.get(name)
        if isinstance(given, dict) and isinstance(table, type) and issubclass(table, BaseModel):
            below = default.model_dump(exclude_unset=True) if isinstance(default, BaseModel) else {}
            merged[name] = _merged(table, {**below, **given})
    return merged


def _keys(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _keys(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def _refusal(problems: list[Problem]) -> ConfigurationError:
    details = [{"key": p.key, "where": p.where, "line": p.line, "message": p.message} for p in problems]
    return ConfigurationError("\n".join(map(str, problems)), key=problems[0].key, problems=details)
