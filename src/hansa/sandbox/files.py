"""The files that programs read: configurations of the servers, the user's profile and environment, the first user data."""

import json
import shlex
from pathlib import Path

from hansa.client.profile import Defaults, Federation, Paths, Profile, Site, render_profile
from hansa.sandbox.credentials import cert_path, key_path
from hansa.sandbox.layout import IMAGE_ID, KEYSTONE_PORT, OCCI_PORT, VO, VOMS_PORT, WEB_PORT, Layout, SiteLayout

NAMESPACE = "urn:geant:sandbox.hansa.example"
"""Of entitlements (AARC-G069)."""
EVERY_SERVICE = "https://wlcg.cern.ch/jwt/v1/any"
"""The audience of tokens that are for whatever service takes them (WLCG Common JWT Profiles 1.2)."""
FIRST_USER_DATA = """#!/bin/sh
# What a machine is told at its first boot. Whatever this prints is in the machine's console and log.
echo "Hello from $(hostname), which came up in $(cut -d' ' -f1 /proc/uptime) seconds." | tee /etc/motd
"""


def write_all(layout: Layout, image: Path) -> None:
    """Written anew each time: they hold absolute paths, and the directory may have moved."""
    _write(federation_config(layout), federation_toml(layout))
    for site in layout.sites:
        _write(site.directory / "policy.json", json.dumps({VO: {"tenant": VO}}, indent=1) + "\n")
        _write(site.config, site_toml(layout, site, image))
    _write(layout.network_file, layout.network + "\n")
    _write(layout.profile, render_profile(profile(layout)))
    _write(layout.environment, environment_sh(layout))
    if not layout.first_user_data.exists():
        _write(layout.first_user_data, FIRST_USER_DATA)


def federation_config(layout: Layout) -> Path:
    return layout.federation / "federation.toml"


def federation_toml(layout: Layout) -> str:
    host, signer = layout.federation / "host", layout.federation / "voms"
    return _toml(
        f"""
        [database]
        url = {_text(f"sqlite:///{layout.federation / 'federation.db'}")}

        [trust]
        certificates = {_text(layout.certificates)}

        [voms]
        hostname = {_text(layout.voms_host)}
        listen = {_text(layout.voms_address)}

        [voms.tls]
        certificate = {_text(cert_path(host))}
        key = {_text(key_path(host))}

        [voms.authority]
        certificate = {_text(cert_path(signer))}
        key = {_text(key_path(signer))}

        [voms.vos.{_text(VO)}]
        port = {VOMS_PORT}

        [web]
        public_url = {_text(layout.web)}

        [[web.listeners]]
        name = "web"
        host = {_text(layout.voms_address)}
        port = {WEB_PORT}
        tls.certificate = {_text(cert_path(host))}
        tls.key = {_text(key_path(host))}

        [mail]
        outbox = {_text(layout.federation / "outbox")}

        [provider]
        keys = {_text(layout.federation / "oidc-keys")}
        namespace = {_text(NAMESPACE)}
        authority = {_text(layout.voms_host)}

        [feed]
        key = {_text(layout.feed_key)}
        """
    )


def site_toml(layout: Layout, site: SiteLayout, image: Path) -> str:
    host = site.directory / "host"
    return _toml(
        f"""
        [site]
        name = {_text(site.name)}
        public_url = {_text(site.endpoint)}

        [[listeners]]
        name = "occi"
        host = {_text(site.address)}
        port = {OCCI_PORT}
        tls.certificate = {_text(cert_path(host))}
        tls.key = {_text(key_path(host))}

        [database]
        url = {_text(f"sqlite:///{site.directory / 'site.db'}")}

        [identity]
        trust_dir = {_text(layout.certificates)}
        vomsdir = {_text(layout.vomsdir)}
        policy = {_text(site.directory / "policy.json")}

        [[identity.issuers]]
        name = "egi.eu"
        issuer = {_text(layout.web)}
        audiences = [{_text(EVERY_SERVICE)}]
        namespace = {_text(NAMESPACE)}
        authority = {_text(layout.voms_host)}
        vos = [{_text(VO)}]
        ca_file = {_text(cert_path(layout.authority / "ca"))}

        [accounts]
        federation = {_text(layout.web)}
        keys = {_text(layout.feed_keys)}
        certificate = {_text(cert_path(host))}
        key = {_text(key_path(host))}

        [identity.tokens]
        keys = {_text(site.directory / "token-keys")}

        [keystone]
        public_url = {_text(site.keystone)}

        [[keystone.listeners]]
        name = "keystone"
        host = {_text(site.address)}
        port = {KEYSTONE_PORT}
        tls.certificate = {_text(cert_path(host))}
        tls.key = {_text(key_path(host))}

        [cloud]
        driver = "embedded"

        [cloud.embedded]
        state_dir = {_text(site.cloud)}
        addresses = {_text(site.machines)}

        [[images]]
        id = {_text(IMAGE_ID)}
        name = "Tiny guest"
        source = {_text(image)}
        """
    )


def profile(layout: Layout) -> Profile:
    paths = Paths(
        certificates=layout.certificates,
        vomsdir=layout.vomsdir,
        vomses=(layout.vomses,),
        proxy=layout.proxy,
        user_cert=cert_path(layout.user / "user"),
        user_key=key_path(layout.user / "user"),
        ssh_key=layout.user / "ssh" / "id_ed25519",
        state=layout.user / "state",
    )
    sites = tuple(Site(site.name, site.endpoint, site.keystone) for site in layout.sites)
    defaults = Defaults(site=sites[0].name, image=IMAGE_ID)
    federation = Federation(layout.web, layout.web)
    return Profile(layout.profile, paths, vo=VO, sites=sites, defaults=defaults, federation=federation)


def environment(layout: Layout) -> dict[str, str]:
    """What the classic clients and `hansa` look at; the proxy stays away from the user's own in /tmp."""
    return {
        "HANSA_PROFILE": str(layout.profile),
        "HANSA_FEDERATION_CONFIG": str(federation_config(layout)),
        "X509_CERT_DIR": str(layout.certificates),
        "X509_VOMS_DIR": str(layout.vomsdir),
        "X509_VOMSES": str(layout.vomses),
        "VOMS_USERCONF": str(layout.vomses),
        "X509_USER_CERT": str(cert_path(layout.user / "user")),
        "X509_USER_KEY": str(key_path(layout.user / "user")),
        "X509_USER_PROXY": str(layout.proxy),
    }


def environment_sh(layout: Layout) -> str:
    lines = [f"export {name}={shlex.quote(value)}" for name, value in environment(layout).items()]
    return "\n".join(
        [
            "# Source this: `. var/env.sh`",
            *lines,
            f'PATH={shlex.quote(str(layout.programs))}:"$PATH"',
            "export PATH",
            "",
        ]
    )


def _toml(text: str) -> str:
    return "".join(f"{line.strip()}\n" for line in text.strip().splitlines())


def _text(value: object) -> str:
    """A TOML basic string, which JSON's string syntax is a part of."""
    return json.dumps(str(value))


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
