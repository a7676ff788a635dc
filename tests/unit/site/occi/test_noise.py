"""Whatever arrives is answered or refused with a reason; nothing is an accident, and nobody else's machine is touched."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.occi import COMPUTE, OS_TPL, RESOURCE_TPL, ROOT, Client, Clock, Reply, face, line, memory_cloud

INFRA = "http://schemas.ogf.org/occi/infrastructure"


class Site:
    """A face with a machine, a volume and a mixin of alice's, and a machine of bob's."""

    def __init__(self, directory: Path) -> None:
        self._runner = asyncio.Runner()
        self._open = AsyncExitStack()
        clock = Clock()
        self.alice = self.run(self._open.enter_async_context(face(memory_cloud(clock), directory, clock)))
        self.bob = Client(self.alice.app, "bob")
        self.bobs = self.run(self.bob.machine())
        self.machine = self.run(self.alice.machine())
        body = f"{line(f'{INFRA}#storage', 'kind')}\nX-OCCI-Attribute: occi.storage.size=1"
        self.volume = self.run(self.alice("POST", "/storage/", body)).text.removeprefix(f"X-OCCI-Location: {ROOT}")
        self.run(self.alice("POST", "/-/", 'Category: x; scheme="http://a#"; class="mixin"; location="/x/"'))

    def run(self, call):  # type: ignore[no-untyped-def]
        return self._runner.run(call)

    def named(self, text: str) -> str:
        for name, value in (("MACHINE", self.machine), ("VOLUME", self.volume), ("BOBS", self.bobs)):
            text = text.replace(name, value)
        return text

    def close(self) -> None:
        self.run(self._open.aclose())
        self._runner.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("site"))
    yield made
    made.close()


methods = st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
types = st.sampled_from(
    [
        "text/plain",
        "text/occi",
        "application/occi+json",
        "text/uri-list",
        "text/plain,text/occi",
        "a/b",
        "",
        "*/*;q=x",
        ";",
        "é",
    ]
)
paths = st.sampled_from(
    ["/", "/-/", "/-", "/compute/", "/network/", "/network/public", "/storage/", "/networkinterface/", "/storagelink/", "/x/",
     "/os_tpl/", "/resource_tpl/m1-small/", "/mixin/", "/none", "//compute/", "/compute/ü", "MACHINE", "VOLUME", "BOBS"]
)  # fmt: skip
queries = st.sampled_from(
    ["", "?category=", "?action=stop", "?action=start", "?action=resize", "?action=", "?page=1&number=1", "?number=-1",
     "?category=x",
     "?attr.=1", "?attr.occi.compute.cores=1", "?%ff", "?a=1&a=2", "?" + "&" * 70]
)  # fmt: skip
statements = st.sampled_from(
    [
        line(COMPUTE, "kind"),
        line(f"{INFRA}#network", "kind"),
        line(f"{INFRA}#storage", "kind"),
        line(f"{INFRA}#storagelink", "kind"),
        line(f"{INFRA}#entity", "kind"),
        line("http://schemas.ogf.org/occi/core#link", "kind"),
        line(OS_TPL, "mixin"),
        line(RESOURCE_TPL, "mixin"),
        line("http://a#x", "mixin"),
        line(f"{INFRA}/compute/action#stop", "action"),
        line(f"{INFRA}/storage/action#resize", "action"),
        'Category: compute; scheme="http://schemas.ogf.org/occi/infrastructure#"',
        "X-OCCI-Attribute: occi.storage.size=-1",
        "X-OCCI-Attribute: occi.storage.size=1e300",
        "X-OCCI-Attribute: occi.compute.cores=1",
        "X-OCCI-Attribute: occi.compute.memory=true",
        "X-OCCI-Attribute: size=2",
        'X-OCCI-Attribute: method="graceful"',
        'X-OCCI-Attribute: occi.core.title=""',
        "X-OCCI-Attribute: occi.core.title=5",
        'X-OCCI-Attribute: occi.core.source="/compute/x"',
        'X-OCCI-Attribute: occi.core.target="http://[::1"',
        'X-OCCI-Attribute: occi.core.target="/network/public"',
        'X-OCCI-Attribute: occi.network.address="300.1.1.1/99"',
        'X-OCCI-Attribute: org.openstack.compute.user_data="QQ=="',
        'Link: </network/public>; rel="x"',
        'Link: <http://[>; rel="x"',
        'Link: <BOBS>; category="http://schemas.ogf.org/occi/core#link"',
        "X-OCCI-Location: BOBS",
        "X-OCCI-Location: MACHINE",
        "X-OCCI-Location: ?",
    ]
)
documents = st.sampled_from(
    ['{}', "[]", '["BOBS"]', "null", '{"kind": "a#b"}', f'{{"kind": "{COMPUTE}", "mixins": ["x"]}}', '{"attributes": {"a": []}}',
     f'{{"kind": "{COMPUTE}", "attributes": {{"occi.compute.cores": []}}}}', '{"resources": ["MACHINE"]}', '{"title": 1}',
     f'{{"action": "{INFRA}/compute/action#stop", "attributes": {{"method": {{}}}}}}',
     '{"mixins": [{"term": "q", "scheme": "z#"}]}',
     f'{{"kind": "{INFRA}#storagelink", "source": "", "target": "BOBS"}}', f'{{"kind": "{COMPUTE}", "title": "\\u0000"}}']
)  # fmt: skip
bodies = st.lists(statements, max_size=5).map("\n".join) | documents | st.binary(max_size=40)
KNOWN = {200, 201, 304, 400, 403, 404, 405, 406, 409, 413, 501}


@settings(max_examples=300, deadline=None)
@given(methods, paths, queries, types, types, bodies, st.booleans())
def test_any_request_is_answered_or_refused(
    site: Site, method: str, path: str, query: str, accept: str, sent: str, body: str | bytes, in_headers: bool
) -> None:
    headers = []
    if isinstance(body, str):
        body = site.named(body)
        if in_headers:
            headers = [tuple(entry.split(": ", 1)) for entry in body.split("\n") if ": " in entry and entry[0] != "{"]
            body = ""
    target = site.named(path) + query
    reply = site.run(site.alice(method, target, body, headers, accept=accept, content_type=sent))  # type: ignore[arg-type]
    check(site, reply, method)


aims = st.sampled_from(
    [
        ("POST", "/compute/", line(COMPUTE, "kind")),
        ("POST", "/network/", line(f"{INFRA}#network", "kind")),
        ("POST", "/storage/", line(f"{INFRA}#storage", "kind")),
        ("POST", "/networkinterface/", line(f"{INFRA}#networkinterface", "kind")),
        ("POST", "/storagelink/", line(f"{INFRA}#storagelink", "kind")),
        ("PUT", "MACHINE", line(COMPUTE, "kind")),
        ("POST", "MACHINE", ""),
        ("POST", "VOLUME", ""),
        ("POST", "/x/", ""),
        ("PUT", "/x/", ""),
        ("DELETE", "/x/", ""),
        ("POST", "/-/", ""),
    ]
)
references = st.sampled_from(
    ["", "/", "x", "?", "#", "http://[", "http://[::1", "//", "///x", "MACHINE", "VOLUME", "BOBS", "/network/public",
     "/network/",
     "http://cloud.test:8787MACHINE",
     "http://elsewhere.org/network/public", "urn:uuid:x", "/storage/../compute/x", "%00", "é" * 300]
)  # fmt: skip
ends = st.builds('X-OCCI-Attribute: occi.core.source="{}", occi.core.target="{}"'.format, references, references)
links = st.builds('Link: <{}>; rel="x"; category="{}"'.format, references.filter(bool), st.sampled_from(
    ["", "http://schemas.ogf.org/occi/core#link", f"{INFRA}#networkinterface", f"{INFRA}#storagelink", f"{INFRA}#compute", "x"]
))  # fmt: skip
locations = references.map("X-OCCI-Location: {}".format)


@settings(max_examples=500, deadline=None)
@given(aims, st.lists(statements | ends | links | locations, max_size=3))
def test_any_change_is_made_or_refused(site: Site, aim: tuple[str, str, str], more: list[str]) -> None:
    method, path, first = aim
    body = site.named("\n".join([first, *more]))
    reply = site.run(site.alice(method, site.named(path), body, content_type="text/plain"))
    check(site, reply, method)


def check(site: Site, reply: Reply, method: str) -> None:
    assert reply.status in KNOWN, (reply.status, reply.text)
    assert "OCCI/1.2" in (reply.header("server") or "")
    if reply.status >= 400 and method != "HEAD":
        assert reply.body
        assert b"\n" not in reply.body
    assert site.run(site.bob("GET", site.bobs)).status == 200, "bob's machine is gone"
    assert site.run(site.bob.state(site.bobs)) == "active"
