"""A person with a browser, over real TLS: cookies, redirects, and forms filled in as the pages ask."""

import html
import re
import ssl
import urllib.request
from dataclasses import dataclass
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode, urljoin, urlsplit


@dataclass
class Page:
    url: str
    body: str

    @property
    def heading(self) -> str:
        found = re.search(r"<h1>(.*?)</h1>", self.body, re.DOTALL)
        return html.unescape(found[1]).strip() if found else ""


class Visitor:
    """`anchors`: a file of CA certificates."""

    def __init__(self, anchors: Path) -> None:
        context = ssl.create_default_context(cafile=str(anchors))
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=context), urllib.request.HTTPCookieProcessor(CookieJar())
        )

    def get(self, url: str) -> Page:
        return self._page(urllib.request.Request(url))

    def submit(self, page: Page, **filled: str) -> Page:
        """The page's first form, with what the person fills in or presses."""
        form = re.search(r"<form.*?</form>", page.body, re.DOTALL)
        assert form, page.body
        action = re.search(r'action="([^"]*)"', form[0])
        assert action
        url = urljoin(page.url, html.unescape(action[1]))
        given = re.findall(r'<input[^>]* name="([^"]+)"[^>]* value="([^"]*)"', form[0])
        fields = {name: html.unescape(value) for name, value in given} | filled
        parts = urlsplit(url)
        headers = {"Origin": f"{parts.scheme}://{parts.netloc}"}
        return self._page(urllib.request.Request(url, urlencode(fields).encode(), headers))

    def _page(self, request: urllib.request.Request) -> Page:
        with self._opener.open(request, timeout=20) as answer:
            return Page(answer.geturl(), answer.read().decode())
