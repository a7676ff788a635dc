"""A configuration is right before anything starts, or its refusal says where and how to mend it."""

from collections.abc import Mapping
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field, SecretStr

from hansa.base.config import DatabaseSettings, FilePath, Settings, load, read
from hansa.base.config.reference import explain, reference
from hansa.base.config.schema import settings
from hansa.base.errors import ConfigurationError


class Flavor(Settings):
    vcpus: Annotated[int, Field(ge=1, description="Processors.")]
    ram_mib: int = Field(128, description="Memory.")


class Peer(Settings):
    host: str = Field(description="Its name.")
    port: int = Field(443, ge=1, le=65535, description="Its port.")


class Tls(Settings):
    key: FilePath = Field(Path("host.key"), description="The private key.")
    password: SecretStr | None = Field(None, description="Of the key.")
    versions: tuple[str, ...] = Field(("1.2", "1.3"), description="What is spoken.")


class Config(Settings):
    database: DatabaseSettings = Field(DatabaseSettings(url="sqlite:///site.db"), description="Rows.")
    tls: Tls = Field(Tls(), description="Listening.")
    flavors: Mapping[str, Flavor] = Field({}, description="Sizes, by name.")
    peers: tuple[Peer, ...] = Field((), description="Others.")
    driver: Literal["memory", "embedded"] = Field("memory", description="The cloud below.")
    range: IPv4Network | None = Field(None, description="Addresses.")


class Strict(Settings):
    database: DatabaseSettings = Field(description="Rows.")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "site.toml"


def refusal(
    file: Path, text: str, environ: Mapping[str, str] | None = None, model: type[Settings] = Config
) -> list[str]:
    file.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        load(file, model, environ or {})
    return str(caught.value).replace(str(file), "site.toml").splitlines()


def test_defaults_are_enough(file: Path) -> None:
    file.write_text("")
    assert load(file, Config, {}).database.url == f"sqlite:///{file.parent}/site.db"
    assert load(None, Config, {}).driver == "memory"


def test_the_environment_wins_over_the_file_and_origins_tell(file: Path) -> None:
    file.write_text('driver = "memory"\n[database]\nurl = "sqlite:///a.db"\nthreads = 3\n[flavors.tiny]\nvcpus = 1\n')
    environ = {
        "HANSA_DATABASE__URL": "sqlite:///b.db",
        "HANSA_FLAVORS__TINY__VCPUS": "2",
        "HANSA_TLS__VERSIONS": '["1.3"]',
        "HANSA_PROFILE": "not a setting",
        "PATH": "/bin",
    }
    loaded = read(file, Config, environ)
    assert loaded.value.database == DatabaseSettings(url=f"sqlite:///{file.parent}/b.db", threads=3)
    assert loaded.value.flavors["tiny"].vcpus == 2
    assert loaded.value.tls.versions == ("1.3",)
    assert loaded.origins == {
        "driver": str(file),
        "database.url": "HANSA_DATABASE__URL",
        "database.threads": str(file),
        "flavors.tiny.vcpus": "HANSA_FLAVORS__TINY__VCPUS",
        "tls.versions": "HANSA_TLS__VERSIONS",
    }


def test_setting_one_key_of_a_table_keeps_the_tables_other_defaults(file: Path) -> None:
    file.write_text("[database]\nthreads = 3\n")
    assert load(file, Config, {}).database == DatabaseSettings(url=f"sqlite:///{file.parent}/site.db", threads=3)


def test_relative_paths_start_at_the_file(file: Path) -> None:
    file.write_text('[tls]\nkey = "keys/host.key"\n')
    assert load(file, Config, {}).tls.key == file.parent / "keys/host.key"
    file.write_text("")
    assert load(file, Config, {}).tls.key == file.parent / "host.key"


def test_a_relative_sqlite_path_starts_at_the_file_too(file: Path) -> None:
    file.write_text('[database]\nurl = "sqlite:///state/site.db"\n')
    assert load(file, Config, {}).database.url == f"sqlite:///{file.parent}/state/site.db"
    file.write_text('[database]\nurl = "sqlite:////var/site.db"\n')
    assert load(file, Config, {}).database.url == "sqlite:////var/site.db"
    file.write_text('[database]\nurl = "postgresql://hansa@db/site"\n')
    assert load(file, Config, {}).database.url == "postgresql://hansa@db/site"


def test_an_unknown_setting_is_refused_with_the_nearest_that_exists(file: Path) -> None:
    assert refusal(file, '[database]\nthreads = 3\nulr = "sqlite:///a.db"\n') == [
        "site.toml, line 3: database.ulr is no setting; perhaps you mean database.url."
    ]


def test_an_unknown_table_is_refused_with_those_that_exist(file: Path) -> None:
    assert refusal(file, "\n[zzz]\na = 1\n") == [
        "site.toml, line 2: zzz is no setting; the file knows database, tls, flavors, peers, driver, range."
    ]


def test_a_wrong_value_is_named_with_line_and_meaning_and_not_repeated(file: Path) -> None:
    text = '[tls]\npassword = ["hush"]\n\n[flavors."m1.tiny"]\nvcpus = 0\n\n'
    text += '[[peers]]\nhost = "a"\n[[peers]]\nhost = "b"\nport = 99999\n'
    lines = refusal(file, text)
    assert [line.partition(" is wrong")[0] for line in lines] == [
        "site.toml, line 2: tls.password",
        "site.toml, line 5: flavors.m1.tiny.vcpus",
        "site.toml, line 11: peers.1.port",
    ]
    assert lines[1].endswith("greater than or equal to 1 (Processors).")
    assert "hush" not in "".join(lines)


def test_a_missing_setting_says_what_it_is_and_how_to_give_it(file: Path) -> None:
    (line,) = refusal(file, "[database]\nthreads = 3\n", model=Strict)
    assert line.startswith("site.toml, line 1: database.url is missing (`sqlite:///PATH`")
    assert line.endswith("set it there or as HANSA_DATABASE__URL.")


def test_a_wrong_override_names_the_variable(file: Path) -> None:
    assert refusal(file, "", {"HANSA_DATABASE__THREADS": "101"}) == [
        "HANSA_DATABASE__THREADS: database.threads is wrong: input should be less than or equal to 100 (Transactions at once)."
    ]
    assert refusal(file, "", {"HANSA_DATABSE__URL": "x"})[0].startswith(
        "HANSA_DATABSE__URL: databse is no setting; perhaps"
    )
    assert refusal(file, "", {"HANSA_TLS__VERSIONS": "[1"})[0].startswith(
        "HANSA_TLS__VERSIONS: this starts like a list"
    )


def test_text_that_is_not_toml_names_the_line(file: Path) -> None:
    assert refusal(file, "a = 1\nb = = 2\n") == ["site.toml, line 2: this is not TOML: Invalid value."]


def test_a_file_that_is_not_there_is_said_so(file: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        load(file, Config, {})


def test_every_setting_is_listed_flat() -> None:
    assert [(s.key, s.type, s.default) for s in settings(Config)] == [
        ("database.url", "text", '"sqlite:///site.db"'),
        ("database.threads", "integer ≥ 1, ≤ 100", "8"),
        ("tls.key", "path", '"host.key"'),
        ("tls.password", "text or nothing", "none"),
        ("tls.versions", "list of text", '["1.2", "1.3"]'),
        ("flavors.<name>.vcpus", "integer ≥ 1", None),
        ("flavors.<name>.ram_mib", "integer", "128"),
        ("peers.<n>.host", "text", None),
        ("peers.<n>.port", "integer ≥ 1, ≤ 65535", "443"),
        ("driver", '`"memory"`, `"embedded"`', '"memory"'),
        ("range", "network or nothing", "none"),
    ]


def test_a_setting_and_a_table_can_be_explained() -> None:
    (url,) = explain(Strict, "database.url")
    assert (url.default, url.variable) == (None, "HANSA_DATABASE__URL")
    assert [s.key for s in explain(Config, "flavors.tiny.vcpus")] == ["flavors.<name>.vcpus"]
    assert [s.key for s in explain(Config, "database")] == ["database.url", "database.threads"]
    assert explain(Config, "nonsense") == ()


def test_the_reference_has_a_table_for_each_table() -> None:
    text = reference(Config)
    assert "### `[flavors.<name>]`" in text
    assert "| `vcpus` | integer ≥ 1 | *required* | Processors. |" in text
