"""Enrolment's part of the native API (docs/reference/enrolment-api.md)."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from hansa.base.errors import BadRequest
from hansa.base.i18n import Translate, best_language, translator
from hansa.federation.body import read_model, read_object
from hansa.federation.enrolment import applying, pages, render
from hansa.federation.enrolment.model import Application, Draft, State
from hansa.federation.enrolment.rules import parse_rules
from hansa.federation.enrolment.service import PAGE, Enrolment
from hansa.federation.identity.model import Caller
from hansa.federation.identity.service import Identity
from hansa.federation.membership.errors import NoSuchVo
from hansa.federation.membership.names import PART

Text = Annotated[str, Field(max_length=5000)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ApplicationBody(_Body):
    """A filled-in form. `dry_run`: only tell what is wrong with it."""

    given_name: Text = ""
    surname: Text = ""
    email: Text = ""
    motivation: Text = ""
    login: Text = ""
    password: Text = Field("", repr=False)
    locale: Text = ""
    aup: Text = ""
    answers: dict[Annotated[str, Field(max_length=40)], Text] = Field({}, max_length=100)
    group: Text = ""
    renewal: bool = False
    dry_run: bool = False


class ReasonBody(_Body):
    reason: Text


class MailBody(_Body):
    email: Text | None = None


class NothingBody(_Body):
    pass


def routes(enrolment: Enrolment, identity: Identity) -> Sequence[BaseRoute]:
    api = _Api(enrolment, identity)
    one = "/api/v1/applications/{number:int}"
    return [
        Route("/api/v1/vos/{vo}/application-form", api.form, methods=["GET"]),
        Route("/api/v1/vos/{vo}/applications", api.queue, methods=["GET"]),
        Route("/api/v1/vos/{vo}/applications", api.apply, methods=["POST"]),
        Route("/api/v1/vos/{vo}/enrolment-rules", api.rules, methods=["GET"]),
        Route("/api/v1/vos/{vo}/enrolment-rules", api.set_rules, methods=["PUT"]),
        Route("/api/v1/applications", api.mine, methods=["GET"]),
        Route(one, api.show, methods=["GET"]),
        Route(f"{one}/approve", api.approve, methods=["POST"]),
        Route(f"{one}/reject", api.reject, methods=["POST"]),
        Route(f"{one}/withdraw", api.withdraw, methods=["POST"]),
        Route(f"{one}/mail", api.mail, methods=["POST"]),
        Route(f"{one}/link", api.link, methods=["POST"]),
        *pages.routes(enrolment),
    ]


class _Api:
    def __init__(self, enrolment: Enrolment, identity: Identity) -> None:
        self._enrolment = enrolment
        self._identity = identity

    async def form(self, request: Request) -> Response:
        caller, vo = await self._identity.caller(request.scope), _vo(request)
        group, renewal = request.query_params.get("group", ""), _flag(request, "renewal")
        kind = applying.kind_of(caller, vo, group, renewal=renewal)
        rules, policy = await self._enrolment.form(vo, kind)
        return _json(render.form(vo, rules, policy, caller, kind))

    async def apply(self, request: Request) -> Response:
        caller, vo = await self._identity.caller(request.scope), _vo(request)
        body = await read_model(request, ApplicationBody)
        fields = body.model_dump(exclude={"group", "renewal", "dry_run"})
        draft = Draft(**{**fields, "locale": body.locale or request.headers.get("accept-language", "")})
        if body.dry_run:
            found = await self._enrolment.check(
                caller, vo, draft, group=body.group, renewal=body.renewal, client=_client(request)
            )
            return _json({"warnings": found})
        made, warnings = await self._enrolment.apply(
            caller, vo, draft, group=body.group, renewal=body.renewal, client=_client(request)
        )
        return _json(
            {**render.application(made, caller, _speech(request)), "warnings": warnings},
            status=201,
            location=f"/api/v1/applications/{made.id}",
        )

    async def queue(self, request: Request) -> Response:
        """`state`, `search`, `limit`, `after`: the `next` of the page before."""
        caller, query = await self._identity.caller(request.scope), request.query_params
        state = query.get("state")
        if state and state not in list(State):
            raise BadRequest(f"A state is one of {', '.join(State)}.", field="state")
        page = await self._enrolment.listed(
            caller,
            _vo(request),
            state=State(state) if state else None,
            search=query.get("search", "")[:200].replace("\0", ""),
            after=_number(request, "after"),
            limit=_number(request, "limit") or PAGE,
        )
        speech = _speech(request)
        return _json({"items": [render.application(each, caller, speech) for each in page.items], "next": page.after})

    async def mine(self, request: Request) -> Response:
        caller, speech = await self._identity.caller(request.scope), _speech(request)
        found = await self._enrolment.mine(caller)
        return _json({"items": [render.application(each, caller, speech) for each in found], "next": None})

    async def show(self, request: Request) -> Response:
        caller = await self._identity.caller(request.scope)
        return self._shown(request, caller, await self._enrolment.application(caller, _id(request)))

    async def approve(self, request: Request) -> Response:
        caller = await self._identity.caller(request.scope)
        await read_model(request, NothingBody)
        return self._shown(request, caller, await self._enrolment.approve(caller, _id(request)))

    async def reject(self, request: Request) -> Response:
        caller = await self._identity.caller(request.scope)
        body = await read_model(request, ReasonBody)
        return self._shown(request, caller, await self._enrolment.reject(caller, _id(request), body.reason))

    async def withdraw(self, request: Request) -> Response:
        caller = await self._identity.caller(request.scope)
        await read_model(request, NothingBody)
        return self._shown(request, caller, await self._enrolment.withdraw(caller, _id(request)))

    async def mail(self, request: Request) -> Response:
        caller = await self._identity.caller(request.scope)
        body = await read_model(request, MailBody)
        found = await self._enrolment.resend(caller, _id(request), body.email, client=_client(request))
        return self._shown(request, caller, found)

    async def link(self, request: Request) -> Response:
        caller = await self._identity.caller(request.scope)
        await read_model(request, NothingBody)
        return self._shown(request, caller, await self._enrolment.link(caller, _id(request)))

    async def rules(self, request: Request) -> Response:
        await self._identity.caller(request.scope)
        found = await self._enrolment.rules(_vo(request))
        return _json(found.model_dump(mode="json"))

    async def set_rules(self, request: Request) -> Response:
        caller = await self._identity.caller(request.scope)
        rules = parse_rules(await read_object(request))
        found = await self._enrolment.set_rules(caller, _vo(request), rules)
        return _json(found.model_dump(mode="json"))

    def _shown(self, request: Request, caller: Caller, found: Application) -> Response:
        return _json(render.application(found, caller, _speech(request)))


def _json(body: dict[str, Any], *, status: int = 200, location: str = "") -> Response:
    headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
    if location:
        headers["location"] = location
    return JSONResponse(body, status, headers)


def _speech(request: Request) -> Translate:
    return translator(best_language(request.headers.get("accept-language", "")))


def _client(request: Request) -> str:
    return request.client.host if request.client else ""


def _vo(request: Request) -> str:
    """Databases do not take every text: what is no name of a VO is not looked for. Raises NoSuchVo."""
    name: str = request.path_params["vo"]
    if not PART.fullmatch(name):
        raise NoSuchVo("There is no VO of that name.")
    return name


def _id(request: Request) -> int:
    """Beyond 63 bits no database looks."""
    return min(int(request.path_params["number"]), 2**31 - 1)


def _flag(request: Request, name: str) -> bool:
    return request.query_params.get(name, "").lower() in {"1", "true", "yes"}


def _number(request: Request, name: str) -> int | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and int(text)):
        raise BadRequest(f"{name} is a number from 1.", field=name)
    return int(text)
