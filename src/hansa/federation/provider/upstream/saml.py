"""A SAML 2.0 identity provider upstream (Web Browser SSO profile): request by redirect, answer by post.

pysaml2 builds and judges the messages, xmlsec1 the signatures. Before either sees an answer it is bounded, and refused with a
document type. Only solicited answers with a signed assertion count, each once.
"""

import asyncio
import base64
import binascii
import re
import shutil
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import structlog
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.client import Saml2Client
from saml2.config import SPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import NAMEID_FORMAT_PERSISTENT, NAMEID_FORMAT_TRANSIENT
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hansa.base.errors import ConfigurationError
from hansa.federation.membership.model import Subject
from hansa.federation.provider.upstream.model import Departure, Reason, UpstreamRefused
from hansa.federation.provider.upstream.settings import SamlUpstreamSettings

RESPONSE_MAX = 256 * 1024
"""Characters of base64."""
SUBJECT_MAX = 512
_UNWANTED = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_UTF16 = (b"\xff\xfe", b"\xfe\xff", b"\x00<", b"<\x00")
log = structlog.stdlib.get_logger(__name__)


class SamlCounterpart:
    """`base`: root of our addresses for this provider; `random` gives 256 bits as text."""

    def __init__(self, settings: SamlUpstreamSettings, base: str, random: Callable[[], str]) -> None:
        self._identifiers = settings.identifiers
        self._random = random
        self._config = _configuration(settings, base)
        self._entity = _entity(self._config, settings)
        location = _sign_on(self._config, self._entity)
        self._origin = "{0.scheme}://{0.netloc}".format(urlsplit(location))

    @property
    def origin(self) -> str:
        return self._origin

    def routes(self, path: str) -> Sequence[BaseRoute]:
        return (Route(f"{path}/metadata", self.metadata, methods=["GET"]),)

    async def depart(self) -> Departure:
        state = self._random()
        request, url = await asyncio.to_thread(self._request, state)
        return Departure(url, state, {"request": request})

    async def arrive(self, answer: Mapping[str, str], remembered: Mapping[str, str]) -> Subject:
        response = answer.get("SAMLResponse")
        if response is None or "request" not in remembered:
            raise _refused("There is no SAML response in the answer.")
        _check(response)
        return await asyncio.to_thread(self._judge, response, remembered["request"])

    async def metadata(self, _request: Request) -> Response:
        """What the identity provider needs to know of us."""
        document = await asyncio.to_thread(lambda: str(entity_descriptor(self._config)))
        return Response(document, media_type="application/samlmetadata+xml")

    def _request(self, state: str) -> tuple[str, str]:
        """The request's identifier, and the address that carries it."""
        identifier, sent = Saml2Client(self._config).prepare_for_authenticate(
            self._entity, relay_state=state, binding=BINDING_HTTP_REDIRECT
        )
        return str(identifier), str(dict(sent["headers"])["Location"])

    def _judge(self, response: str, request: str) -> Subject:
        client = Saml2Client(self._config)
        try:
            answer = client.parse_authn_request_response(response, BINDING_HTTP_POST, {request: "/"})
            if answer is None or answer.in_response_to != request or answer.issuer() != self._entity:
                raise _refused("The SAML response answers no request of ours.")
            return Subject(self._entity, self._identifier(_attributes(answer.assertion), answer.name_id))
        except UpstreamRefused:
            raise
        except Exception as error:  # noqa: BLE001 -- the library has no common base for what it refuses with
            log.info("upstream.saml_refused", entity=self._entity, kind=type(error).__name__, error=str(error)[:500])
            _let_go(error)
        raise _refused("The SAML response is not accepted; ask your identity provider's operator.")

    def _identifier(self, attributes: Mapping[str, Sequence[str]], name_id: Any) -> str:
        """What stays the same of a person and is never given to another. Raises UpstreamRefused."""
        for wanted in self._identifiers:
            values = attributes.get(wanted, ())
            if len(values) == 1 and values[0]:
                return _bounded(f"{wanted} {values[0]}")
        if name_id is not None and name_id.format == NAMEID_FORMAT_PERSISTENT and name_id.text:
            return _bounded(f"{NAMEID_FORMAT_PERSISTENT} {name_id.text.strip()}")
        kind = "only for this session" if name_id is not None and name_id.format == NAMEID_FORMAT_TRANSIENT else "not"
        message = f"Your identity provider says {kind} who you are; it must release a subject identifier."
        raise UpstreamRefused(message, reason=Reason.SUBJECT.value)


def _let_go(error: BaseException | None) -> None:
    """The library's frames hold open files with the response: they are closed now, not when memory is tidied."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def _attributes(assertion: Any) -> Mapping[str, Sequence[str]]:
    """Values that are text, by the attributes' own names: the library's short names lose which one it was."""
    found: dict[str, list[str]] = {}
    for statement in assertion.attribute_statement:
        for attribute in statement.attribute:
            texts = [value.text.strip() for value in attribute.attribute_value if value.text]
            found.setdefault(str(attribute.name), []).extend(texts)
    return found


def _configuration(settings: SamlUpstreamSettings, base: str) -> SPConfig:
    xmlsec1 = shutil.which("xmlsec1")
    if xmlsec1 is None:
        message = "SAML needs the program xmlsec1; install Debian's package xmlsec1."
        raise ConfigurationError(message, key=f"provider.saml.{settings.name}")
    service = {
        "endpoints": {"assertion_consumer_service": [(f"{base}/acs", BINDING_HTTP_POST)]},
        "allow_unsolicited": False,
        "authn_requests_signed": settings.key is not None,
        "want_assertions_signed": True,
        "want_response_signed": False,
        "only_use_keys_in_metadata": True,
        "name_id_format": [NAMEID_FORMAT_PERSISTENT],
    }
    document: dict[str, Any] = {
        "entityid": f"{base}/metadata",
        "service": {"sp": service},
        "metadata": {"local": [str(settings.metadata)]},
        "xmlsec_binary": xmlsec1,
        "accepted_time_diff": 60,
        "allow_unknown_attributes": True,
        "signing_algorithm": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        "digest_algorithm": "http://www.w3.org/2001/04/xmlenc#sha256",
    }
    if settings.key and settings.certificate:
        document |= {"key_file": str(settings.key), "cert_file": str(settings.certificate)}
        document["encryption_keypairs"] = [{"key_file": str(settings.key), "cert_file": str(settings.certificate)}]
    try:
        config = SPConfig()
        config.load(document)
        return config
    except Exception as error:  # the library's own, the parser's, the system's
        raise ConfigurationError(
            f"The SAML metadata or key of {settings.name} cannot be used: {error}.",
            key=f"provider.saml.{settings.name}",
        ) from error


def _entity(config: SPConfig, settings: SamlUpstreamSettings) -> str:
    known = list(config.metadata.with_descriptor("idpsso"))
    if settings.entity is not None and settings.entity in known:
        return settings.entity
    if settings.entity is None and len(known) == 1:
        return str(known[0])
    named = (
        "the metadata does not hold that entity" if settings.entity else "the metadata holds not one identity provider"
    )
    raise ConfigurationError(f"Set entity of {settings.name}: {named}.", key=f"provider.saml.{settings.name}.entity")


def _sign_on(config: SPConfig, entity: str) -> str:
    services = config.metadata.service(entity, "idpsso_descriptor", "single_sign_on_service", BINDING_HTTP_REDIRECT)
    if not services:
        raise ConfigurationError(f"{entity} takes no requests by redirect.", key="provider.saml")
    return str(services[0]["location"])


def _check(response: str) -> None:
    """Bounds, and no document type: entities are how XML attacks."""
    if len(response) > RESPONSE_MAX:
        raise _refused("The SAML response is too long.")
    try:
        document = base64.b64decode("".join(response.split()), validate=True)
    except (binascii.Error, ValueError):
        raise _refused("The SAML response is not base64.") from None
    if _UNWANTED.search(document) or document.startswith(_UTF16):
        raise _refused("The SAML response is no plain XML.")


def _bounded(identifier: str) -> str:
    if len(identifier) > SUBJECT_MAX or not identifier.isprintable():
        raise UpstreamRefused(
            "Your identity provider's identifier for you cannot be used.", reason=Reason.SUBJECT.value
        )
    return identifier


def _refused(message: str) -> UpstreamRefused:
    return UpstreamRefused(message, reason=Reason.RESPONSE.value)
