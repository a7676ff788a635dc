"""Words for people: `_` and `ngettext`, in the language of LC_ALL, LC_MESSAGES or LANG. Identifiers are English."""

import gettext
from pathlib import Path

_translations = gettext.translation("hansa", localedir=Path(__file__).parents[1] / "locale", fallback=True)

_ = _translations.gettext
ngettext = _translations.ngettext
