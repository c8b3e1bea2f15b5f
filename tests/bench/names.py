"""What the contenders are called, and how many clients they have."""

from tests.bench.builds import PURE

FEW, MANY, MILLION = 10, 100_000, 1_000_000
SIGNING = "ES256 signatures, nothing else"
PEER = "oidc-provider: client_credentials"


def of(build: str, what: str) -> str:
    """What the series of a build is called."""
    return f"{build}: {what}"


def of_many(build: str, clients: int) -> str:
    """What the series of a build is called that has so many clients."""
    return of(build, f"client_credentials, {clients:,} clients")


TOKENS = of(PURE.name, "client_credentials")
WITH_KEYS = of(PURE.name, "client_credentials, type mac")
WITH_PROOFS = of(PURE.name, "client_credentials, DPoP with a nonce")
WITH_CERTIFICATES = of(PURE.name, "client_credentials by certificate, bound to it")
WITH_ASSERTIONS = of(PURE.name, "client_credentials, private_key_jwt")
REFRESH = of(PURE.name, "refresh_token")
CODE = of(PURE.name, "authorization_code")
INTROSPECTION = of(PURE.name, "introspect")
UNSEEN = of(PURE.name, "introspect, tokens not seen before")
