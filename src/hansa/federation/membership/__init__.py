"""Virtual organisations: members, groups, roles, and the VOMS server that attests them."""
