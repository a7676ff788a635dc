"""An ASGI application that tells what reached it."""

import json
from typing import Any

from hansa.base.serving import listener_name


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers with JSON: listener, method, path, query, headers, length of the body, and the client's chain (None: no TLS)."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    length, more = 0, True
    while more:
        message = await receive()
        length += len(message.get("body", b""))
        more = message.get("more_body", False)
    tls = scope["extensions"].get("tls")
    seen = {
        "listener": listener_name(scope),
        "scheme": scope["scheme"],
        "method": scope["method"],
        "path": scope["path"],
        "query": scope["query_string"].decode(),
        "headers": [[name.decode(), value.decode()] for name, value in scope["headers"]],
        "length": length,
        "chain": tls and tls["client_cert_chain"],
    }
    body = json.dumps(seen).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), (b"server", b"echo")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
