"""What is offered where: regions, services and their endpoints, and the catalogue that tokens carry."""

from hansa.site.keystone.catalogue.model import Endpoint, EndpointGroup, Entry, Region, Service
from hansa.site.keystone.catalogue.service import Catalogue

__all__ = ["Catalogue", "Endpoint", "EndpointGroup", "Entry", "Region", "Service"]
