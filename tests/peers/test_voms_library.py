"""The corpus of attribute certificates, judged by the VOMS C library as well."""

import ctypes
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from tests.support.acs import CASES, Attempt, Case
from tests.support.pki import NOW, Grid, write_files

pytestmark = pytest.mark.peer

OTHER_CHOICES = {
    "meant_for_this_host": "it takes its own host's name, not ours",
    "empty_sequence_gives_no_attributes": "it wants one",
    "in_the_user_certificate_it_is_not_looked_at": "it looks there too",
    "second_chain_of_the_lsc_file": "it knows no comments there",
}
"""Good for us, and why not for the library."""

ONLY_WE_REFUSE = {
    *("two_attributes_with_names", "no_name_at_all", "name_with_nul", "extension_twice"),
    *("expired", "valid_for_a_year", "ends_before_it_begins"),  # it forgives five minutes at the end
    *("trailing_bytes_after_the_sequence", "indefinite_length", "length_longer_than_needed"),
    *(
        "version_one",
        "negative_serial",
        "seventeen_certificates",
        "two_algorithms",
        "elliptic_algorithm_for_an_rsa_server",
    ),
    *("server_outside_its_authoritys_namespace", "no_revocation_list_for_the_servers_authority"),
    *("thousand_and_one_generic_attributes", "generic_attributes_of_another_server"),
    "forged_root_that_the_lsc_file_names",  # it takes roots from inside the certificate where it has no revocation list
}

GOOD = [case for case in CASES if case.refused is None and case.name not in OTHER_CHOICES]
BAD = [case for case in CASES if case.refused is not None and case.name not in ONLY_WE_REFUSE]


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str | None]:
    """What the library says of each case at the time of the corpus; None is yes."""
    if shutil.which("faketime") is None:
        pytest.skip("faketime is not installed")
    try:
        ctypes.CDLL("libvomsapi.so.1")
    except OSError:
        pytest.skip("libvomsapi is not installed")
    root = tmp_path_factory.mktemp("corpus")
    directories = [lay_out(root / case.name, case.build(Grid())) for case in CASES]
    moment = f"{NOW:%Y-%m-%d %H:%M:%S}"
    judged = subprocess.run(
        [
            "faketime",
            "-m",
            moment,
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "tests.support.vomsapi",
            *map(str, directories),
        ],
        env=os.environ | {"TZ": "UTC", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    found: dict[str, str | None] = json.loads(judged.stdout)
    return found


def lay_out(directory: Path, attempt: Attempt) -> Path:
    chain = b"".join(certificate.public_bytes(Encoding.PEM) for certificate in attempt.chain)
    write_files(directory, {"chain.pem": chain})
    write_files(directory / "certificates", attempt.trust)
    write_files(directory / "vomsdir", attempt.vomsdir)
    return directory


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case.name)
def test_the_library_accepts_what_we_accept(verdicts: dict[str, str | None], case: Case) -> None:
    assert verdicts[case.name] is None


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.name)
def test_the_library_refuses_what_we_refuse(verdicts: dict[str, str | None], case: Case) -> None:
    assert verdicts[case.name] is not None
