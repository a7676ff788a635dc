"""What is missing before a Keystone takes proxies: each check looks at one thing and says what to do next.

`files` and `conf` look at what lies on this host, `reach` at what clients and the front meet, `contents` at what Keystone holds.
"""
