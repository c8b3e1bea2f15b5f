"""The ``issuer`` command: one module per group of commands.

Secrets go to stdout, once; everything said about them goes to stderr.
"""
