"""The VOMS C library as an independent judge of attribute certificates.

As a program, it judges directories that hold `chain.pem`, `vomsdir/` and `certificates/`, and prints what the library says as
JSON, null for yes. The library looks at the real clock, so the corpus is judged under `faketime`.
"""

import ctypes
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

_RECURSE_CHAIN = 0


def retrieve(chain: Sequence[x509.Certificate], vomsdir: Path, certificates: Path) -> str | None:
    """None if the library verifies the attributes of the chain, else what it says. It looks at the real clock.

    Skips the test where the library is not installed.
    """
    try:
        crypto, voms = ctypes.CDLL("libcrypto.so.3"), ctypes.CDLL("libvomsapi.so.1")
    except OSError:
        pytest.skip("libvomsapi is not installed")
    _declare(crypto, voms)
    stack = crypto.OPENSSL_sk_new_null()
    for certificate in chain:
        crypto.OPENSSL_sk_push(stack, _to_openssl(crypto, certificate))
    data = voms.VOMS_Init(str(vomsdir).encode(), str(certificates).encode())
    error = ctypes.c_int(0)
    if voms.VOMS_Retrieve(_to_openssl(crypto, chain[0]), stack, _RECURSE_CHAIN, data, ctypes.byref(error)):
        return None
    text = ctypes.create_string_buffer(4096)
    voms.VOMS_ErrorMessage(data, error.value, text, len(text))
    return text.value.decode()


def _declare(crypto: ctypes.CDLL, voms: ctypes.CDLL) -> None:
    crypto.d2i_X509.restype = ctypes.c_void_p
    crypto.d2i_X509.argtypes = [ctypes.c_void_p, ctypes.POINTER(ctypes.c_char_p), ctypes.c_long]
    crypto.OPENSSL_sk_new_null.restype = ctypes.c_void_p
    crypto.OPENSSL_sk_push.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    voms.VOMS_Init.restype = ctypes.c_void_p
    voms.VOMS_Init.argtypes = [ctypes.c_char_p, ctypes.c_char_p]
    voms.VOMS_Retrieve.argtypes = [
        *(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p),
        ctypes.POINTER(ctypes.c_int),
    ]
    voms.VOMS_ErrorMessage.restype = ctypes.c_void_p
    voms.VOMS_ErrorMessage.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int]


def _to_openssl(crypto: ctypes.CDLL, certificate: x509.Certificate) -> int:
    der = certificate.public_bytes(Encoding.DER)
    pointer = crypto.d2i_X509(None, ctypes.byref(ctypes.c_char_p(der)), len(der))
    return int(pointer)


def _main(directories: list[str]) -> None:
    print(json.dumps({Path(directory).name: _judged_apart(Path(directory)) for directory in directories}))


def _judged_apart(directory: Path) -> str | None:
    """In a process of its own: some bad certificates crash the library."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        chain = x509.load_pem_x509_certificates((directory / "chain.pem").read_bytes())
        verdict = retrieve(chain, directory / "vomsdir", directory / "certificates")
        os.write(writing, json.dumps(verdict).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    return json.loads(told) if told else "the library crashed"


if __name__ == "__main__":
    _main(sys.argv[1:])
