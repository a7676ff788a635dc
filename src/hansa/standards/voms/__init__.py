"""VOMS: attribute certificates (GFD.182), vomses and lsc files, both dialects of the wire protocol."""

from hansa.standards.voms.ac import (
    AttributeCertificate,
    GenericAttribute,
    ac_extension,
    decode_ac,
    decode_ac_sequence,
    encode_ac_sequence,
)
from hansa.standards.voms.errors import VomsCode, VomsError
from hansa.standards.voms.fqan import Fqan, check_vo_name
from hansa.standards.voms.issue import issue_ac
from hansa.standards.voms.selection import select_all, select_fqans
from hansa.standards.voms.verify import AcPolicy, VomsAttributes, carried_acs, verify_ac, verify_acs
from hansa.standards.voms.vomsdir import VomsDir, parse_lsc, render_lsc
from hansa.standards.voms.vomses import VomsServer, parse_vomses

__all__ = [
    "AcPolicy",
    "AttributeCertificate",
    "Fqan",
    "GenericAttribute",
    "VomsAttributes",
    "VomsCode",
    "VomsDir",
    "VomsError",
    "VomsServer",
    "ac_extension",
    "carried_acs",
    "check_vo_name",
    "decode_ac",
    "decode_ac_sequence",
    "encode_ac_sequence",
    "issue_ac",
    "parse_lsc",
    "parse_vomses",
    "render_lsc",
    "select_all",
    "select_fqans",
    "verify_ac",
    "verify_acs",
]
