"""OpenStack's interfaces to the site: for clients that know nothing else."""
