"""Runs in the environment of OpenStack's programs: a service behind keystonemiddleware, as every OpenStack service is.

`python authtoken_app.py URL CAFILE USER PROJECT` with the password in `OS_PASSWORD`: prints its port, tells each caller as JSON
what the middleware told it, and ends when its standard input does.
"""

import json
import logging
import os
import sys
import threading
from wsgiref.simple_server import WSGIRequestHandler, make_server

from keystonemiddleware import auth_token

TOLD = ("USER_ID", "USER_NAME", "PROJECT_ID", "PROJECT_NAME", "ROLES", "IDENTITY_STATUS")


class Silent(WSGIRequestHandler):
    def log_message(self, *args):
        pass


def service(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({name: environ.get(f"HTTP_X_{name}") for name in TOLD}).encode()]


def main():
    url, cafile, user, project = sys.argv[1:]
    logging.disable(logging.CRITICAL)
    settings = {
        "www_authenticate_uri": url,
        "auth_type": "password",
        "auth_url": url,
        "cafile": cafile,
        "username": user,
        "password": os.environ["OS_PASSWORD"],
        "user_domain_name": "Default",
        "project_name": project,
        "project_domain_name": "Default",
        "service_type": "compute",
        "token_cache_time": "-1",
    }
    app = auth_token.filter_factory({}, **settings)(service)
    server = make_server("127.0.0.1", 0, app, handler_class=Silent)
    print(server.server_port, flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
    server.shutdown()
    server.server_close()


main()
