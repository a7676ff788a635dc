"""Who is calling the federation, and what they may do to its registry."""
