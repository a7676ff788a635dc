"""Keystone's sign-on method `mapped`, whose tokens end with the credential: `[auth] mapped = hansa` in keystone.conf.

An authentication plug-in may say when its proof ends (`expires_at`); Keystone keeps that through every exchange of the token.
"""

import time
from typing import Any

import flask
import keystone.conf
from keystone.auth.plugins import mapped

from .gate import NOT_AFTER


class Mapped(mapped.Mapped):  # type: ignore[misc]  # Keystone has no types
    def authenticate(self, auth_payload: dict[str, Any]) -> Any:
        response = super().authenticate(auth_payload)
        not_after = flask.request.environ.get(NOT_AFTER)
        if not_after is None or "id" in auth_payload:  # an exchange: the token's own end is in the response already
            return response
        if not_after < time.time() + keystone.conf.CONF.token.expiration:
            ends = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime(not_after))
            response.response_data["expires_at"] = ends
        return response
