"""What a WSGI server loads instead of `keystone.server.wsgi`: Keystone's application behind the gate, in `application`."""

from keystone.server.wsgi import initialize_public_application

from .gate import guarded

application = guarded(initialize_public_application())
