"""ID tokens by the documented rules of those who decide by groups: Kubernetes, Grafana, Argo CD.

Their programs are not run here (oauth2-proxy is: ``tests/relying_parties``). What each demands of a
token stands in its documentation, and is written down once more below.
"""

from typing import Any

import jwt
import pytest

from issuer.metadata import metadata
from issuer.registry.released import Group, ReleasedClaim
from issuer.registry.scope import Scope
from tests.builders import ISSUER, NOW, a_user
from tests.openid.builders import IDENTITY, RING, a_relying_party, an_openid_server, redeemed

GROUPS = (Group(group="admins", users=("alice",)), Group(group="dev", users=("alice", "bob")))
USERS = (a_user(email_verified=True), a_user("bob", email_verified=False), a_user("eve"))


def a_server(**client):
    scope = Scope({*IDENTITY, "groups", "read"})
    return an_openid_server(
        a_relying_party(scope=scope, **client),
        users=USERS,
        groups=GROUPS,
        claims=(ReleasedClaim(claim="groups"),),
    )


def an_id_token(server, sub: str = "alice") -> str:
    return str(redeemed(server, sub=sub, scope="openid profile email groups").body["id_token"])


class Denied(Exception):
    """The API server says no."""


def kubernetes(
    text: str,
    *,
    algs: tuple[str, ...] = ("RS256",),
    username_claim: str = "preferred_username",
    prefix: str = "oidc:",
) -> tuple[str, list[str]]:
    """Whom a Kubernetes API server takes the bearer of ``text`` for, and in which groups.

    Its OIDC authenticator has signing algorithms registered, RS256 alone if none are; wants the
    issuer exactly and itself among the audiences; takes groups that are a string or an array of
    strings; and an e-mail address as a name only where ``email_verified`` is not false.
    """
    header = jwt.get_unverified_header(text)
    key = next(each for each in RING.signing_keys if each.kid == header["kid"])
    if header["alg"] not in algs:
        raise Denied("alg")
    claims: dict[str, Any] = jwt.decode(
        text,
        jwt.PyJWK(dict(key.public_jwk)),
        algorithms=list(algs),
        audience="web",
        issuer=ISSUER,
        options={"require": ["exp", "iss", "aud"], "verify_exp": False, "verify_iat": False},
    )
    if claims["exp"] <= NOW:
        raise Denied("exp")
    if username_claim == "email" and claims.get("email_verified") is False:
        raise Denied("email_verified")
    groups = claims.get("groups", [])
    groups = [groups] if isinstance(groups, str) else groups
    if not all(isinstance(each, str) for each in groups):
        raise Denied("groups")
    return claims[username_claim], [prefix + each for each in groups]


def test_kubernetes_takes_rs256_and_prefixes_each_group():
    assert kubernetes(an_id_token(a_server())) == ("alice", ["oidc:admins", "oidc:dev"])
    assert kubernetes(an_id_token(a_server(), "eve")) == ("eve", [])


def test_kubernetes_takes_es256_where_it_is_told_to():
    text = an_id_token(a_server(id_token_signed_response_alg="ES256"))
    assert kubernetes(text, algs=("ES256",))[0] == "alice"
    with pytest.raises(Denied):
        kubernetes(text)


def test_kubernetes_takes_no_address_that_is_not_verified():
    server = a_server()
    assert kubernetes(an_id_token(server), username_claim="email")[0] == "alice@example.com"
    with pytest.raises(Denied):
        kubernetes(an_id_token(server, "bob"), username_claim="email")


def test_kubernetes_finds_the_issuer_by_discovery():
    """It compares the document's issuer with its flag, and reads the keys from jwks_uri."""
    document = metadata(a_server(), NOW)
    assert document["issuer"] == ISSUER
    assert str(document["jwks_uri"]).startswith(ISSUER)
    assert "RS256" in document["id_token_signing_alg_values_supported"]


def told(server, sub: str) -> dict[str, Any]:
    return jwt.decode(an_id_token(server, sub), options={"verify_signature": False})


@pytest.mark.parametrize(
    ("sub", "role"), [("alice", "Admin"), ("bob", "Viewer"), ("eve", "Viewer")]
)
def test_grafana_finds_a_role_by_its_path(sub, role):
    """``contains(not_null(groups, ''), 'admins') && 'Admin' || 'Viewer'``, in JMESPath.

    Who is in no group has no such claim, and contains() is an error of nothing at all.
    """
    groups = told(a_server(), sub).get("groups")
    found = "Admin" if "admins" in (groups or "") else "Viewer"
    assert found == role
    assert groups is None or isinstance(groups, list)


@pytest.mark.parametrize(("sub", "may"), [("alice", True), ("bob", False), ("eve", False)])
def test_argo_cd_finds_a_line_of_its_policy_for_a_group(sub, may):
    """``g, admins, role:admin``: by the scopes that its policy names, ``[groups]`` if it names
    none."""
    policy = {"admins": "role:admin"}
    groups = told(a_server(), sub).get("groups", [])
    assert any(policy.get(each) == "role:admin" for each in groups) is may
