"""Verifying a grid credential: the chain and its attribute certificate, with the trust store in memory."""

from tests.support.pki import NOW, Grid

from benchmarks.result import Result
from benchmarks.timing import measure
from hansa.standards.voms import Fqan, VomsDir, decode_ac, issue_ac, verify_acs
from hansa.standards.x509 import TrustStore, validate_chain

AIM = 1.0
"""Milliseconds for what every authenticated request of a new connection costs."""


def run() -> list[Result]:
    grid = Grid()
    trust, vomsdir = grid.trust(), grid.vomsdir()
    alice = grid.user()
    proxy = grid.voms_proxy(alice, f"/{grid.vo}", f"/{grid.vo}/Role=VO-Admin")
    deep = grid.proxy(grid.proxy(proxy))
    ac = grid.ac(alice)
    files, vomsdir_files = grid.trust_files(), grid.vomsdir_files()

    def whole() -> object:
        identity = validate_chain(proxy.chain, trust, now=NOW)
        return verify_acs(identity, trust, vomsdir, now=NOW)

    def issue() -> object:
        return issue_ac(
            holder=alice.leaf,
            issuer=grid.voms_server.leaf,
            key=grid.voms_server.key,
            vo=grid.vo,
            host=grid.host,
            port=grid.port,
            fqans=[Fqan(f"/{grid.vo}")],
            not_before=NOW,
            not_after=NOW,
            serial=1,
        )

    operations = [
        ("chain: user certificate", lambda: validate_chain(alice.chain, trust, now=NOW), None),
        ("chain: one proxy", lambda: validate_chain(proxy.chain, trust, now=NOW), None),
        ("chain: three proxies", lambda: validate_chain(deep.chain, trust, now=NOW), None),
        ("attribute certificate: decode", lambda: decode_ac(ac), None),
        ("attribute certificate: issue", issue, None),
        ("one proxy and its attribute certificate", whole, AIM),
        ("trust store of one authority: build", lambda: TrustStore.from_files(files), None),
        ("vomsdir of one server: build", lambda: VomsDir.from_files(vomsdir_files), None),
    ]
    results = []
    for name, call, aim in operations:
        timing = measure(call)
        note = f"best {timing.best:.3f}, processor {timing.processor:.3f} ms, {timing.calls} calls"
        results.append(Result(name, timing.median, "ms", aim, note))
    return results
