"""X.509 for grids: structured names, proxies (RFC 3820), path validation, CRLs, IGTF trust files."""
