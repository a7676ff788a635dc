"""Who is calling: what the site does before every request, for a credential it has not seen, and for one it has."""

import asyncio
import json
from itertools import cycle

from cryptography.hazmat.primitives.serialization import Encoding
from tests.support.pki import Grid
from tests.support.site import POLICY

from benchmarks.result import Result
from benchmarks.timing import Timing, measure
from hansa.site.identity import Identity
from hansa.site.identity.grid import GridCertificate
from hansa.site.identity.policy import parse_policy
from hansa.standards.x509 import ChainPolicy, TrustStore

AIM = 1.5
"""Milliseconds for a new credential: decoding, chain, attribute certificate, policy."""


def run() -> list[Result]:
    grid = Grid()
    first = _asking(grid, grid.trust(), grid.trust())  # another snapshot at each look: what was proved does not count
    again = _asking(grid, grid.trust())
    return [
        Result(
            "a new credential", first.median, "ms", AIM, f"best {first.best:.3f}, processor {first.processor:.3f} ms"
        ),
        Result("one proved a moment ago", again.median, "ms", None, f"best {again.best:.4f} ms"),
    ]


def _asking(grid: Grid, *snapshots: TrustStore) -> Timing:
    trust, vomsdir, policy = cycle(snapshots), grid.vomsdir(), parse_policy(json.dumps(POLICY).encode())
    prove = GridCertificate(lambda: next(trust), lambda: vomsdir, lambda: grid.now, policy=ChainPolicy())
    identity = Identity([prove], policy=lambda: policy, bans=frozenset, audit=lambda event, /, **fields: None)
    chain = [each.public_bytes(Encoding.PEM).decode() for each in grid.voms_proxy(grid.user()).chain]
    scope = {
        "method": "GET",
        "path": "/",
        "headers": [],
        "client": None,
        "extensions": {"tls": {"client_cert_chain": chain}},
    }
    loop = asyncio.new_event_loop()
    try:
        return measure(lambda: loop.run_until_complete(identity.caller(scope)))
    finally:
        loop.close()
