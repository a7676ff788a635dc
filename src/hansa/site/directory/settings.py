"""What the operator decides about passwords of the directory; the words are those of Keystone's `security_compliance`."""

import re

from pydantic import Field, field_validator

from hansa.base.config import Settings


class PasswordSettings(Settings):
    """They hold for users of the directory, not for those of the users file."""

    lockout_failure_attempts: int = Field(
        10, ge=0, description="So many wrong passwords in a row lock a user; 0: never."
    )
    lockout_duration: int = Field(
        300, ge=1, description="Seconds that a user stays locked after the last wrong password."
    )
    password_expires_days: int = Field(0, ge=0, description="Days that a password is good for; 0: for ever.")
    minimum_password_age: int = Field(0, ge=0, description="Days before users may change their password again.")
    unique_last_password_count: int = Field(
        0, ge=0, le=50, description="So many last passwords users may not choose again."
    )
    change_password_upon_first_use: bool = Field(
        False, description="A password that an administrator set is good for changing it only."
    )
    password_regex: str | None = Field(None, description="Regular expression that a new password must match.")
    password_regex_description: str | None = Field(None, description="The same in words, for users.")

    @field_validator("password_regex")
    @classmethod
    def _compiles(cls, text: str | None) -> str | None:
        if text is not None:
            try:
                re.compile(text)
            except re.error as error:
                raise ValueError(f"it is no regular expression: {error}") from error
        return text
