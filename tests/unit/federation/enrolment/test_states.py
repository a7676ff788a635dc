"""Whatever people and time do in whatever order, an application and the registry stay in step."""

import asyncio
import tempfile
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.support.enrolment import office as an_office
from tests.support.pki import Grid

from hansa.base.errors import HansaError
from hansa.federation.enrolment.errors import NotNow
from hansa.federation.enrolment.model import OPEN, State, Step, after
from hansa.federation.membership.model import VoProfile

APPLICANTS = st.sampled_from(["Alice", "Bob"])
END = frozenset(State) - OPEN


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("step", list(Step))
def test_the_table_of_steps(state, step):
    expected = {
        (State.SUBMITTED, Step.VERIFY): State.MAIL_VERIFIED,
        (State.MAIL_VERIFIED, Step.APPROVE): State.APPROVED,
    }
    if state in OPEN:
        expected |= {(state, Step.REJECT): State.REJECTED, (state, Step.WITHDRAW): State.WITHDRAWN}
        expected |= {(state, Step.EXPIRE): State.EXPIRED}
    if (state, step) in expected:
        assert after(state, step) is expected[state, step]
        return
    with pytest.raises(NotNow):
        after(state, step)


class Life(RuleBasedStateMachine):
    """Two applicants, an administrator and a clock, on a real database."""

    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.stack = AsyncExitStack()
        self.directory = self.stack.enter_context(tempfile.TemporaryDirectory())
        self.do(self._begin())
        self.seen: dict[int, State] = {}

    async def _begin(self) -> None:
        url = f"sqlite:///{self.directory}/test.db"
        self.office = await self.stack.enter_async_context(an_office(url, Grid()))
        await self.office.member("Boss", "VO-Admin")
        await self.office.commons.registry.set_profile(self.office.vo, VoProfile(membership_days=90, removal_days=5))

    def do(self, call):
        try:
            return self.loop.run_until_complete(call)
        except HansaError as error:
            assert error.status < 500  # noqa: PT017
            return None

    async def _latest(self, name: str) -> int:
        found = await self.office.enrolment.mine(await self.office.caller(name))
        return found[0].id if found else 1

    @rule(name=APPLICANTS)
    def apply(self, name: str) -> None:
        self.do(self.office.applied(name))

    @rule(name=APPLICANTS)
    def confirm(self, name: str) -> None:
        async def follow() -> None:
            letters = await self.office.letters(f"{name.lower()}@example.org")
            for letter in letters:
                if "join/confirm" in letter.get_content():
                    code = letter.get_content().split("code=")[1].split()[0]
                    await self.office.enrolment.confirm(code)

        self.do(follow())

    @rule(name=APPLICANTS, who=st.sampled_from(["Boss", "Alice", "Bob"]))
    def approve(self, name: str, who: str) -> None:
        async def decide() -> None:
            await self.office.enrolment.approve(await self.office.caller(who), await self._latest(name))

        self.do(decide())

    @rule(name=APPLICANTS, who=st.sampled_from(["Boss", "Alice", "Bob"]))
    def reject(self, name: str, who: str) -> None:
        async def decide() -> None:
            await self.office.enrolment.reject(await self.office.caller(who), await self._latest(name), "no")

        self.do(decide())

    @rule(name=APPLICANTS, who=APPLICANTS)
    def withdraw(self, name: str, who: str) -> None:
        async def take_back() -> None:
            await self.office.enrolment.withdraw(await self.office.caller(who), await self._latest(name))

        self.do(take_back())

    @rule(name=APPLICANTS)
    def resend(self, name: str) -> None:
        async def again() -> None:
            await self.office.enrolment.resend(await self.office.caller(name), await self._latest(name))

        self.do(again())

    @rule(days=st.sampled_from([1, 8, 61, 100]))
    def time_passes(self, days: int) -> None:
        async def sweep() -> None:
            self.office.grid.now += timedelta(days=days)
            while await self.office.commons.registry.sweep():
                pass
            await self.office.enrolment.sweep()

        self.do(sweep())

    @invariant()
    def what_ended_stays_ended_and_each_has_one_open(self) -> None:
        for name in ("Alice", "Bob"):
            caller = self.do(self.office.caller(name))
            found = self.do(self.office.enrolment.mine(caller))
            assert sum(each.state.is_open for each in found) <= 1
            for each in found:
                if self.seen.get(each.id) in END:
                    assert each.state is self.seen[each.id]
                self.seen[each.id] = each.state
                assert (each.state is State.APPROVED) == (each.decided_by != "" and each.person is not None)

    @invariant()
    def only_the_approved_are_members(self) -> None:
        for name in ("Alice", "Bob"):
            caller = self.do(self.office.caller(name))
            found = self.do(self.office.enrolment.mine(caller))
            if caller.held:
                assert any(each.state is State.APPROVED for each in found)

    def teardown(self) -> None:
        if hasattr(self, "stack"):
            self.loop.run_until_complete(self.stack.aclose())
            self.loop.run_until_complete(self.loop.shutdown_default_executor())
            self.loop.close()


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=8, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
