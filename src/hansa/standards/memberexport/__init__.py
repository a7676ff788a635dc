"""Members of VOs in the formats that other software reads (docs/reference/member-exports.md). Pure: entries in, bytes out.

Only those who may come in now are exported: active, in time, with a credential that may be used.
"""

from hansa.standards.memberexport.gridmap import grid_mapfile
from hansa.standards.memberexport.perun import fedcloud_export
from hansa.standards.memberexport.plain import json_lines, scim
from hansa.standards.memberexport.selection import present
from hansa.standards.memberexport.vomsxml import voms_xml

__all__ = ["fedcloud_export", "grid_mapfile", "json_lines", "present", "scim", "voms_xml"]
