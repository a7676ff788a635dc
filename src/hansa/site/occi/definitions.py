"""The query interface: what the site can do, and the mixins that users add to it."""

import re
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from hansa.base.errors import BadRequest, Conflict, Forbidden, NotFound, TooLarge
from hansa.site.occi import store
from hansa.site.occi.session import Session
from hansa.standards.occi import Category, Kind, Mixin, split_id

USER_MIXINS = 1000
"""Of one project."""


def categories(session: Session, wanted: Sequence[str]) -> tuple[Category, ...]:
    """The model, or of it what a filter names (several: any of them)."""
    model = session.view.model
    if not wanted:
        return model.categories
    return tuple(category for category in model.categories if category.id in wanted)


async def define_mixins(session: Session, given: Sequence[Category]) -> None:
    """Add user mixins, all or none. The same again changes nothing."""
    if not given:
        raise BadRequest("Describe the mixin to add in a Category.")
    new = [mixin for category in given if (mixin := _checked_mixin(session, category)) is not None]
    if len(session.view.user_mixins) + len(new) > USER_MIXINS:
        raise TooLarge(f"A project may have {USER_MIXINS} mixins of its own.")

    def write(connection: Connection) -> None:
        for mixin in new:
            store.add_mixin(connection, session.caller.project, mixin)

    if new:
        await session.write(write)


def _checked_mixin(session: Session, category: Category) -> Mixin | None:
    """The mixin to add, or None where it is there already."""
    model = session.view.model
    if not isinstance(category, Mixin):
        raise BadRequest(f"Only mixins can be added; {category.id} is none.")
    if category.attributes or category.actions:
        raise BadRequest("Mixins of users have neither attributes nor actions.", field=category.id)
    wanted = _well_formed(category)
    location = wanted.location or ""
    known = model.by_id.get(wanted.id)
    if known == wanted:
        return None
    if known is not None:
        raise Conflict(f"There is another {wanted.id} already.", field=wanted.id)
    if wanted.scheme.startswith(("http://schemas.ogf.org/", "http://schemas.hansa.org/")):
        raise Forbidden(f"The scheme {wanted.scheme} is not for users' mixins.", field=wanted.id)
    if location in model.by_location or location in _RESERVED or _is_below_kind(model.by_location, location):
        raise Conflict(f"The location {location} is taken.", field="location")
    return wanted


def _well_formed(category: Mixin) -> Mixin:
    """Only what every client of the project can read: one strange line costs some of them the whole model."""
    for type_id in (category.id, *category.depends):
        split_id(type_id)
    if not _TERM.fullmatch(category.term) or len(category.id) > _ID_MAX:
        raise BadRequest("The term of a mixin has letters, digits, - and _.", field="term")
    if not _LOCATION.fullmatch(category.location or "") or len(category.location or "") > _ID_MAX:
        message = f"Mixin {category.id} needs a location of its own: a path of simple words that ends with a slash."
        raise BadRequest(message, field="location")
    if len(category.title) > _ID_MAX or len(" ".join(category.depends)) > _ID_MAX:
        raise BadRequest(f"Titles and relations have up to {_ID_MAX} characters.", field=category.id)
    return Mixin(category.term, category.scheme, category.title, depends=category.depends, location=category.location)


_ID_MAX = 512
_TERM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_LOCATION = re.compile(r"/([A-Za-z0-9_~-][A-Za-z0-9._~-]*/)+")
_RESERVED = frozenset({"/", "/-/"})


def _is_below_kind(by_location: Mapping[str, Kind | Mixin], location: str) -> bool:
    first = "/" + location.split("/")[1] + "/"
    return isinstance(by_location.get(first), Kind) or first in ("/-/", "/.well-known/")


async def remove_mixins(session: Session, wanted: Sequence[str]) -> None:
    """Remove user mixins from the model and from every entity."""
    if not wanted:
        raise BadRequest("Name the mixin to remove in a Category.")
    for type_id in wanted:
        if type_id not in session.view.model.by_id:
            raise NotFound(f"There is no mixin {type_id}.")
        if type_id not in session.view.user_mixins:
            raise Forbidden(f"{type_id} is the site's, not yours to remove.")

    def write(connection: Connection) -> None:
        for type_id in wanted:
            store.remove_mixin(connection, session.caller.project, type_id)

    await session.write(write)
