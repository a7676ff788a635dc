"""What Keystone keeps beside the directory of users and projects; the face over it is `hansa.site.openstack.identity`."""
