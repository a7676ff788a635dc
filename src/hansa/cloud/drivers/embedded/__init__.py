"""Real machines on this host with QEMU: no daemon but ours, no root where the kernel allows."""
