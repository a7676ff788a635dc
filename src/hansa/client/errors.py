"""What can go wrong between a user's machine and a site."""

from hansa.base.errors import BackendDown, BadRequest, HansaError, NotFound, Unauthenticated


class Unreachable(BackendDown):
    """No connection: wrong name, nobody listening, network away."""

    code = "client.unreachable"


class BadReply(BackendDown):
    """The peer answered with something that its protocol does not allow, or with too much of it."""

    code = "client.bad_reply"


class ServerUntrusted(HansaError):
    """The server's certificate does not prove that it is the host we meant."""

    code = "client.server_untrusted"
    status = 502


class AddressRefused(HansaError):
    """An issuer names an address that is none of the Internet's, or a way to it that anybody can read."""

    code = "client.address_refused"
    status = 502


class Timeout(HansaError):
    """We stopped waiting; the work may still end well."""

    code = "client.timeout"
    status = 504


class NoSite(HansaError):
    """No site of the profile can serve the request."""

    code = "client.no_site"
    status = 503


class NoCredential(Unauthenticated):
    """There is no proxy or user certificate where one is expected, or it has expired."""

    code = "client.no_credential"


class CredentialRefused(Unauthenticated):
    """The peer ended the TLS handshake because of our certificate."""

    code = "client.credential_refused"


class UnsafeFile(HansaError):
    """A secret's file belongs to somebody else, or others may read it: using it would be unwise."""

    code = "client.unsafe_file"
    status = 500


class BadProfile(BadRequest):
    """The profile file does not say what it should. `details["key"]` names the setting."""

    code = "client.profile"


class VomsRefused(Unauthenticated):
    """No VOMS server gave the attributes asked for. `details["servers"]` holds each server's own words."""

    code = "client.voms_refused"


class Ambiguous(BadRequest):
    """A short name or prefix fits several things. `details["matches"]` lists them."""

    code = "client.ambiguous"


class NoSuchName(NotFound):
    """Nothing at the sites asked has this name, identifier or prefix."""

    code = "client.no_such_name"
