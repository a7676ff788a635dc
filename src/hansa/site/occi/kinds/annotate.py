"""Writing what the cloud cannot hold: user mixins worn, titles of links, summaries."""

from collections.abc import Iterable

from sqlalchemy import Connection

from hansa.base.errors import BadRequest
from hansa.site.occi import store
from hansa.site.occi.session import Session

TITLE_MAX = 255
SUMMARY_MAX = 4096


async def annotate(session: Session, path: str, note: store.Note, tags: Iterable[str], *, whole: bool = False) -> None:
    """Add user mixins and note; `whole`: the entity wears these user mixins and no others. What is None stays."""
    if len(note.title or "") > TITLE_MAX or len(note.summary or "") > SUMMARY_MAX:
        message = f"A title has up to {TITLE_MAX} characters, a summary up to {SUMMARY_MAX}."
        raise BadRequest(message, field="occi.core.summary")
    old, worn = session.note(path), session.tags(path)
    wanted = tuple(dict.fromkeys(tags if whole else (*worn, *tags)))
    new = store.Note(
        title=old.title if note.title is None else note.title,
        summary=old.summary if note.summary is None else note.summary,
    )
    if new == old and set(wanted) == set(worn):
        return
    project = session.caller.project

    def write(connection: Connection) -> None:
        store.write_note(connection, project, path, new)
        store.set_tags(connection, project, path, wanted)

    await session.write(write)


async def forget(session: Session, path: str) -> None:
    """The entity is gone."""
    if session.tags(path) or session.note(path) != store.Note():
        await session.write(lambda connection: store.forget(connection, session.caller.project, path))
