"""The registry: what the files may say of others, and how they are read, checked and edited."""

from issuer.registry.registry import InvalidRegistry, Registry, digest, parse

__all__ = ["InvalidRegistry", "Registry", "digest", "parse"]
