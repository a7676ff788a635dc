"""The Keystone face over `hansa.site.identity`: sign-on (v3, v2.0 with VOMS), tokens, projects, catalogue.

It decides nothing about anybody: it decodes, asks `Identity` and `Tokens`, and renders in Keystone's words.
"""
