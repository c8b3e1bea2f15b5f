"""What binds a token to whoever asked for it, so that nobody else can use it (RFC 7800)."""

from collections.abc import Mapping

import msgspec

JKT = "jkt"
"""The thumbprint of the key that DPoP proofs are signed with (RFC 9449 section 6.1)."""

X5T_S256 = "x5t#S256"
"""The hash of the certificate that the sender's TLS is proved by (RFC 8705 section 3.1)."""


class Binding(msgspec.Struct, frozen=True):
    """A key that the sender has proved to hold."""

    method: str
    """The member of ``cnf`` that it is: ``JKT`` or ``X5T_S256``."""
    thumbprint: str
    """In base64url."""

    @property
    def cnf(self) -> Mapping[str, str]:
        """The claim by which a resource server knows the key (RFC 7800 section 3.1)."""
        return {self.method: self.thumbprint}
