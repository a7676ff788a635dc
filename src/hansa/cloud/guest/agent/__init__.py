"""The guest's cloud-init work-alike: reads the seed at boot and makes the machine what its user asked for.

Runs inside the guest on Debian's minimal Python with PyYAML, as the package `hansa_agent`; it imports nothing of Hansa, and
only siblings by relative import. Its types are named tuples because dataclasses would pull half the standard library into
every boot. Functions take the root directory they work on, so that they are tested outside a guest.
"""
