"""Made-up cloud sites in GLUE 2.0, as a top BDII holds them: 46 entries each."""

from collections.abc import Iterator

Entry = tuple[str, list[tuple[str, str]]]

SUFFIX = "GLUE2GroupID=grid,o=glue"
ROOT: list[Entry] = [
    ("o=glue", [("objectClass", "organization"), ("o", "glue")]),
    (SUFFIX, [("objectClass", "GLUE2Group"), ("GLUE2GroupID", "grid")]),
]


def classes(*names: str) -> list[tuple[str, str]]:
    return [("objectClass", f"GLUE2{name}") for name in names]


def site(number: int) -> list[Entry]:
    """One site's subtree."""
    name = f"SITE-{number:04d}"
    base = f"GLUE2DomainID={name},{SUFFIX}"
    cloud = f"GLUE2GroupID=cloud,{base}"
    service = f"host{number}.example.org_cloud.compute"
    below = f"GLUE2ServiceID={service},{cloud}"
    return [
        (base, [*classes("Entity", "Domain", "AdminDomain"), ("GLUE2DomainID", name), ("GLUE2EntityName", name)]),
        (
            f"GLUE2LocationID=loc.{name},{base}",
            [
                *classes("Entity", "Location"),
                ("GLUE2LocationID", f"loc.{name}"),
                ("GLUE2LocationCountry", "KR" if number % 2 else "CH"),
                ("GLUE2LocationDomainForeignKey", name),
            ],
        ),
        *_contacts(name, base),
        (cloud, [*classes("Group"), ("GLUE2GroupID", "cloud")]),
        (
            below,
            [
                *classes("Entity", "Service", "ComputingService"),
                ("GLUE2ServiceID", service),
                ("GLUE2ServiceType", "IaaS"),
                ("GLUE2ServiceQualityLevel", "production"),
                ("GLUE2ServiceCapability", "cloud.managementSystem"),
                ("GLUE2ServiceCapability", "cloud.vm.uploadImage"),
                ("GLUE2ServiceAdminDomainForeignKey", name),
            ],
        ),
        (
            f"GLUE2ManagerID={service}_manager,{below}",
            [
                *classes("Entity", "Manager", "ComputingManager"),
                ("GLUE2ManagerID", f"{service}_manager"),
                ("GLUE2ManagerProductName", "KVM"),
                ("GLUE2ManagerServiceForeignKey", service),
                ("GLUE2ComputingManagerTotalLogicalCPUs", str(100 + number)),
                ("GLUE2ComputingManagerWorkingAreaTotal", str(number * 10)),
            ],
        ),
        *_endpoints(number, service, below),
        *_resources(service, below),
        *_images(name, service, below),
    ]


def _contacts(name: str, base: str) -> Iterator[Entry]:
    for kind in ("general", "security", "sysadmin", "usersupport"):
        identifier = f"{kind}.{name}"
        yield (
            f"GLUE2ContactID={identifier},{base}",
            [
                *classes("Entity", "Contact"),
                ("GLUE2ContactID", identifier),
                ("GLUE2ContactType", kind),
                ("GLUE2ContactDetail", f"mailto:{kind}@{name.lower()}.example.org"),
                ("GLUE2ContactDomainForeignKey", name),
            ],
        )


def _endpoints(number: int, service: str, below: str) -> Iterator[Entry]:
    for port in (8787, 8788, 8789):
        url = f"https://host{number}.example.org:{port}/"
        endpoint = f"GLUE2EndpointID={url}_OCCI,{below}"
        yield (
            endpoint,
            [
                *classes("Entity", "Endpoint", "ComputingEndpoint"),
                ("GLUE2EndpointID", f"{url}_OCCI"),
                ("GLUE2EndpointInterfaceVersion", "1.1"),
                ("GLUE2EndpointInterfaceName", "OCCI"),
                ("GLUE2EndpointURL", url),
                ("GLUE2EndpointHealthState", "ok"),
                ("GLUE2EndpointServingState", "production"),
                ("GLUE2EndpointQualityLevel", "production"),
                ("GLUE2EndpointServiceForeignKey", service),
            ],
        )
        policy = f"{service}_{port}_policy"
        yield (
            f"GLUE2PolicyID={policy},{endpoint}",
            [
                *classes("Entity", "Policy", "AccessPolicy"),
                ("GLUE2PolicyID", policy),
                ("GLUE2PolicyRule", f"VO:vo{(number + port) % 20}.example.org"),
                ("GLUE2PolicyScheme", "org.glite.standard"),
                ("GLUE2AccessPolicyEndpointForeignKey", f"{url}_OCCI"),
            ],
        )


def _resources(service: str, below: str) -> Iterator[Entry]:
    for size in range(13):
        identifier = f"tpl{size}_{service}"
        yield (
            f"GLUE2ResourceID={identifier},{below}",
            [
                *classes("Entity", "Resource", "ExecutionEnvironment"),
                ("GLUE2ResourceID", identifier),
                ("GLUE2ExecutionEnvironmentMainMemorySize", str(1024 * (size + 1))),
                ("GLUE2ExecutionEnvironmentLogicalCPUs", str(size + 1)),
                ("GLUE2ExecutionEnvironmentPhysicalCPUs", str(size + 1)),
                ("GLUE2ExecutionEnvironmentPlatform", "amd64"),
                ("GLUE2ExecutionEnvironmentOSFamily", "linux"),
                ("GLUE2ExecutionEnvironmentConnectivityIn", "FALSE"),
                ("GLUE2ExecutionEnvironmentConnectivityOut", "TRUE"),
                ("GLUE2ResourceManagerForeignKey", f"{service}_manager"),
            ],
        )


def _images(name: str, service: str, below: str) -> Iterator[Entry]:
    for number in range(18):
        identifier = f"img{number}_{service}"
        yield (
            f"GLUE2ApplicationEnvironmentID={identifier},{below}",
            [
                *classes("Entity", "ApplicationEnvironment"),
                ("GLUE2ApplicationEnvironmentID", identifier),
                ("GLUE2ApplicationEnvironmentAppName", f"Image {number} at {name}"),
                ("GLUE2ApplicationEnvironmentRepository", f"https://appdb.example.org/{number}"),
                ("GLUE2ApplicationEnvironmentDescription", f"Scientific Linux 6 with tools {number}"),
                ("GLUE2ApplicationEnvironmentComputingManagerForeignKey", f"{service}_manager"),
            ],
        )
