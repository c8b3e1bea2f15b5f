"""``dpop``: a proof in each request, signed with a key of the sender's own (RFC 9449).

    DPoP: … ──▶ for this request? ──▶ fresh? ──▶ Binding, and a jti that is good once

``keys.dpop`` says whether it is for this request, and ``nonces`` whether it is fresh.
"""

from collections.abc import Collection, Mapping
from functools import partial
from hashlib import sha256

from issuer.errors import InvalidDPoPProof, TemporarilyUnavailable, UseDPoPNonce
from issuer.possession import nonces
from issuer.possession.possessed import Possessed
from issuer.protocol.binding import JKT, Binding
from issuer.protocol.replay import Once
from issuer.protocol.request import AuthenticatedRequest, TokenRequest
from issuer.registry.client import Client
from issuer.server import AuthorizationServer
from keys.algorithms import ALGORITHMS
from keys.dpop import MAX_AGE, InvalidProof, Proof, read_proof
from keys.encoding import to_base64url

_NO_NONCES: Mapping[str, str] = {}


def prove(server: AuthorizationServer, authenticated: AuthenticatedRequest) -> Possessed | None:
    """The key of the request's proof; None where it has none and its client need not.

    Raises:
        InvalidDPoPProof: the proof is not good, or missing where its client registered to send one.
        UseDPoPNonce: it lacks the nonce.
    """
    if authenticated.request.dpop:
        return shown(server, authenticated.request, authenticated.client)
    if authenticated.client.dpop_bound_access_tokens:
        raise InvalidDPoPProof(
            "This client registered dpop_bound_access_tokens, so its requests need a DPoP proof."
        )
    return None


def shown(server: AuthorizationServer, request: TokenRequest, client: Client) -> Possessed:
    """The key of the proof that ``request``, of ``client``, has.

    Raises:
        InvalidDPoPProof, UseDPoPNonce: as ``prove``.
    """
    proof = check(server, request, algorithms=server.registry.algs_of(client))
    return Possessed(Binding(JKT, proof.jkt), (once(proof),))


def check(
    server: AuthorizationServer,
    request: TokenRequest,
    *,
    access_token: str | None = None,
    jkt: str | None = None,
    algorithms: Collection[str] = ALGORITHMS,
) -> Proof:
    """The one proof of ``request``, valid for it, beside this token and by this key, where they are
    given.

    Raises:
        InvalidDPoPProof, UseDPoPNonce: as ``prove``.
    """
    try:
        (text,) = request.dpop
    except ValueError:
        raise InvalidDPoPProof("There must be one DPoP proof, and one only.") from None
    try:
        proof = read_proof(
            text,
            method=request.method,
            url=server.places(request.url),
            now=request.received_at,
            access_token=access_token,
            jkt=jkt,
            algorithms=algorithms,
        )
    except InvalidProof as invalid:
        raise InvalidDPoPProof(f"The DPoP proof is not valid: {invalid.detail}.") from None
    policy = server.registry.issuer.dpop_nonce
    is_asked_for = policy == "required" or (policy == "optional" and proof.nonce is not None)
    if is_asked_for and not nonces.accepts(server, proof.nonce, request.received_at):
        raise UseDPoPNonce("The DPoP proof must have the nonce of the DPoP-Nonce header.")
    return proof


def once(proof: Proof) -> Once:
    """That ``proof`` is good once (RFC 9449 section 11.1). However long its ``jti``, its name is
    not, and no two clients share one."""
    name = sha256(f"{proof.jkt}\0{proof.jti}".encode(errors="surrogatepass")).digest()
    return Once(
        id=f"dpop_proof:{to_base64url(name)}",
        issued_at=proof.iat,
        expires_at=proof.iat + MAX_AGE + 1,
        refusal=partial(InvalidDPoPProof, "The DPoP proof was used before."),
    )


def nonce_headers(server: AuthorizationServer, now: int) -> Mapping[str, str]:
    """What tells a client that sends proofs its next nonce, where there is one (section 8.2)."""
    if server.registry.issuer.dpop_nonce == "none":
        return _NO_NONCES
    try:
        return {"DPoP-Nonce": nonces.current(server, now)}
    except TemporarilyUnavailable:  # no answer gets lost for that
        return _NO_NONCES
