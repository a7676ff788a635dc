"""What time brings: memberships end, grace periods run out, and those who went long ago are forgotten."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from hansa.base.database import Database
from hansa.site.accounts import store
from hansa.site.accounts.machines import Machines
from hansa.site.accounts.model import Account, OnRemoval, Standing
from hansa.site.accounts.rules import asked_for, followed
from hansa.site.accounts.standing import users_of
from hansa.site.identity.service import Audit

FORGET_AFTER = timedelta(days=30)
CHUNK = 200
log = structlog.stdlib.get_logger(__name__)


class Keeper:
    """Every step may be repeated: a crash between an act and its record means that the act is tried again, and finds it done."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime],
        audit: Audit,
        machines: Machines,
        *,
        grace: timedelta,
        action: OnRemoval,
    ) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit
        self._machines = machines
        self._grace = grace
        self._action = action

    async def run(self, interval: float) -> None:
        """For ever; what fails is tried again after the interval (seconds)."""
        while True:
            try:
                await self.look()
            except Exception as error:  # the accounts stay as they are: nothing is lost
                log.error("accounts.keeper_failed", exc_info=error)
            await asyncio.sleep(interval)

    async def look(self) -> None:
        """All that is due now."""
        await self._end()
        for account in await self._database.read(lambda c: store.due(c, self._clock() - self._grace, CHUNK)):
            await self._deal_with(account)
        await self._database.write(lambda c: store.forget(c, self._clock() - FORGET_AFTER))

    async def _end(self) -> None:
        def end(connection: Connection) -> list[Account]:
            now = self._clock()
            ended = [followed(each, now) for each in store.ended(connection, now, CHUNK)]
            store.put(connection, ended)
            return ended

        while ended := await self._database.write(end):
            for each in ended:
                self._audit("accounts.ended", vo=each.vo, uid=each.uid, name=each.name, until=str(each.until))

    async def _deal_with(self, account: Account) -> None:
        users = await self._database.read(
            lambda c: [users_of(k) for k in store.credentials_of(c, account.vo, account.uid)]
        )
        acted, done = await self._machines.deal_with(users, account.vo)
        for server in acted:
            self._audit(
                "accounts.machine", vo=account.vo, uid=account.uid, name=account.name, id=server, act=self._action.value
            )
        if done and await self._database.write(lambda c: self._conclude(c, account)):
            self._audit("accounts.gone", vo=account.vo, uid=account.uid, name=account.name, act=self._action.value)

    def _conclude(self, connection: Connection, account: Account) -> bool:
        """Unless they have come back meanwhile."""
        now = self._clock()
        stored = store.load(connection, account.vo, [account.uid]).get(account.uid)
        if stored is None or stored.account.standing is not Standing.LEAVING:
            return False
        if asked_for(stored.account.entry, now) is not Standing.LEAVING:
            return False
        name = stored.account.name if stored.account.entry else ""  # nobody needs it any more
        store.put(connection, [replace(stored.account, standing=Standing.GONE, acted=now, name=name)])
        return True
