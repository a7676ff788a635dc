"""What Hansa puts into Keystone's own Python: `gate` in front of its application, `mapped` as its sign-on method.

Python 3.9 and the standard library are enough, for Keystone's Python is not ours. `hansa keystone install` copies this package.
"""
