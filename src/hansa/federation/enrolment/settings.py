"""`[enrolment]` in the federation's configuration; what differs between VOs is in their rules."""

from pydantic import Field

from hansa.base.config import Settings


class EnrolmentSettings(Settings):
    applications_per_day: int = Field(10, ge=1, description="How many one credential may send within 24 hours.")
    letters_per_day: int = Field(10, ge=1, description="How many links are mailed to one address within 24 hours.")
    letters: int = Field(5, ge=1, description="How many links are mailed for one application.")
    letter_pause: float = Field(60, ge=0, description="Seconds between two links for one application.")
    sweep_seconds: float = Field(300, gt=0, description="How often reminders and ends of time are looked for.")
