"""VOMS for a Keystone that is already there (docs/decisions/0017-a-front-for-keystone.md).

Two parts with one secret between them. The front (`server`) runs in Hansa's own environment: it ends TLS, proves the client's
chain and its attribute certificates, and passes requests on to Keystone. What it proved travels as a sealed assertion. Inside
Keystone's own Python `inside/hansa_keystone`, which needs nothing but the standard library, drops whatever else looks like an
identity and opens the seal for protocol `mapped`.
"""
