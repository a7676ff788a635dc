"""What was used here, by whom: follows the cloud's events, keeps them, and adds up what each machine ran."""

from hansa.site.usage.service import Usage

__all__ = ["Usage"]
