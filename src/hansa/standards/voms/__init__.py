"""VOMS: attribute certificates (GFD.182), vomses and lsc files, both dialects of the wire protocol."""
