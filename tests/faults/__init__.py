"""What the issuer does while parts of it fail. ``python -m tests.faults``."""
