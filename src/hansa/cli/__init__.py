"""The commands: hansa, and the classic names."""
