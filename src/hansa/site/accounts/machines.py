"""The machines of those who have left: stopped or deleted through the port of the cloud, only theirs, as often as it takes."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

from hansa.base.errors import Conflict, NotFound
from hansa.cloud.model import ADMIN, ALLOWED, Caller, ProjectId, Server, ServerAction, ServerQuery, ServerState
from hansa.cloud.port import Cloud
from hansa.site.accounts.model import OnRemoval

US = "hansa:accounts"
VosOf = Callable[[Collection[str]], Awaitable[Mapping[str, str | None]]]
"""The VO by whose membership each machine (id) was started; from the record of use."""


class Machines:
    def __init__(self, cloud: Cloud, vos_of: VosOf, action: OnRemoval) -> None:
        self._cloud = cloud
        self._vos_of = vos_of
        self._action = action

    async def deal_with(self, users: Collection[str], vo: str) -> tuple[list[str], bool]:
        """What somebody of these names started as a member of that VO. Ids that were acted on, and whether all is done."""
        if self._action is OnRemoval.KEEP:
            return [], True
        acted, done = list[str](), True
        for server in await self._theirs(users, vo):
            if self._is_dealt_with(server):
                continue
            done = False
            if await self._act(server):
                acted.append(server.id)
        return acted, done

    async def _theirs(self, users: Collection[str], vo: str) -> Sequence[Server]:
        every = await self._cloud.servers(_operator(ProjectId("")), ServerQuery(all_projects=True))
        theirs = [server for server in every if any(_started(server, user) for user in users)]
        vos = await self._vos_of([server.id for server in theirs]) if theirs else {}
        return [server for server in theirs if vos.get(server.id) == vo]

    def _is_dealt_with(self, server: Server) -> bool:
        if self._action is OnRemoval.DELETE or server.task is not None:
            return server.state is ServerState.DELETED
        return server.state not in ALLOWED[ServerAction.STOP] and server.state is not ServerState.PENDING

    async def _act(self, server: Server) -> bool:
        """False if it must be tried again later: the machine is busy, or gone."""
        caller = _operator(server.project)
        try:
            if self._action is OnRemoval.DELETE:
                await self._cloud.delete_server(caller, server.id)
            else:
                await self._cloud.act(caller, server.id, ServerAction.STOP)
        except (Conflict, NotFound):
            return False
        return True


def _operator(project: ProjectId) -> Caller:
    return Caller(US, project, frozenset({ADMIN}))


def _started(server: Server, user: str) -> bool:
    """Also what a robot started for others: `<user><R><whom it acted for>`."""
    return server.user == user or server.user.startswith(user + "<R>")
