"""How fast the issuer is, beside a peer and beside bare signatures. ``python -m tests.bench``."""
