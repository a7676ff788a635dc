"""A whole federation on one machine: authority, VO with its VOMS server, two sites with real machines, one user.

What `hansa up` makes and `hansa down` takes away. It starts the same programs that operators run, with configuration files
of its own, on loopback addresses; everything lies below one directory, and nothing of the user's own is touched.
"""

from hansa.sandbox.down import down
from hansa.sandbox.layout import VO, Layout, laid_out
from hansa.sandbox.up import up

__all__ = ["VO", "Layout", "down", "laid_out", "up"]
