"""The terms of a membership: what time alone does to it. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from hansa.federation.membership.model import MemberState


@dataclass(frozen=True, slots=True)
class Terms:
    """The VO's part; see VoProfile. `aup_floor` is None for a VO without a policy."""

    grace_days: int
    aup_days: int | None
    aup_grace_days: int
    aup_floor: int | None
    aup_asked: datetime | None

    def ends(self, until: datetime | None) -> datetime | None:
        """The end with the days of grace."""
        return until + timedelta(days=self.grace_days) if until else None

    def state(self, stored: str, until: datetime | None, now: datetime) -> MemberState:
        """A suspension stands whether the membership has ended or not."""
        ends = self.ends(until)
        if stored != MemberState.ACTIVE or until is None or ends is None or now < until:
            return MemberState(stored)
        return MemberState.GRACE if now < ends else MemberState.EXPIRED

    def aup_due(self, since: datetime, accepted: int | None, at: datetime | None, now: datetime) -> datetime | None:
        """By when the policy has to be accepted; None if the member has not been asked yet.

        Asked are those who never accepted a version that counts, from when it was published or they joined, and those whose
        acceptance is too old.
        """
        if self.aup_floor is None or self.aup_asked is None:
            return None
        asked = []
        if accepted is None or accepted < self.aup_floor:
            asked.append(max(self.aup_asked, since))
        if at is not None and self.aup_days is not None:
            asked.append(at + timedelta(days=self.aup_days))
        since_when = min(asked, default=None)
        if since_when is None or now < since_when:
            return None
        return since_when + timedelta(days=self.aup_grace_days)
