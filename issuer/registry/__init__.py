"""The registry: what the files may say of others, and how they are read, checked and edited.

Text becomes records (`parsing`), records a `Registry`, `consistency` says whether they fit and
`advice` what could be safer.
"""

from issuer.registry.parsing import InvalidRegistry, digest, parse
from issuer.registry.registry import Registry

__all__ = ["InvalidRegistry", "Registry", "digest", "parse"]
