"""Tokens as workloads really get them, with the claims that their issuers document, signed by keys
of the tests; and the federations that issue them."""

from itertools import count
from typing import Any

from issuer.registry import client_keys
from issuer.registry.client import Client
from issuer.registry.federation import JWT_BEARER, Federation
from tests.builders import ISSUER, NOW
from tests.rfc7523.builders import a_signing_client
from tests.rfc7523.keys import PRIVATE, a_jwks, a_public_jwk, sign

GITHUB = "https://token.actions.githubusercontent.com"
GITLAB = "https://gitlab.com"
CLUSTER = "https://kubernetes.default.svc.cluster.local"
TRUST_DOMAIN = "https://oidc.spire.example"
GOOGLE = "https://accounts.google.com"

_numbers = count()

KEYS = client_keys.examined(a_jwks(*(a_public_jwk(each) for each in PRIVATE)))


def a_federation(name: str = "github", **fields: Any) -> Federation:
    """One whose keys are those of the tests."""
    given: dict[str, Any] = {"issuer": ISSUERS[name], "jwks": KEYS, **OPTIONS.get(name, {})}
    return Federation(federation=name, **(given | fields))


def a_workload(client_id: str = "deploy", *rules: Any, **fields: Any) -> Client:
    """A client without a secret or a key, that may come with tokens that match these rules."""
    given: dict[str, Any] = {
        "jwks": None,
        "federated": rules or ({"federation": "github", "subject": "repo:acme/shop:*:*/*/*"},),
        "grant_types": ("client_credentials", JWT_BEARER),
    }
    return a_signing_client(client_id, **(given | fields))


def github(*, now: int = NOW, **changes: Any) -> dict[str, Any]:
    """What an Actions run gets (https://docs.github.com/actions/reference/openid-connect-reference)."""
    return _said(
        {
            "jti": f"8e1e1c6c-{next(_numbers)}",
            "sub": "repo:acme/shop:ref:refs/heads/main",
            "aud": ISSUER,
            "ref": "refs/heads/main",
            "sha": "bd0e4a5b7d6a2c7a3d8fbb5a0ed0e5e8f4b0c0de",
            "repository": "acme/shop",
            "repository_owner": "acme",
            "actor_id": "12",
            "repository_visibility": "private",
            "repository_id": "456789",
            "repository_owner_id": "123456",
            "run_id": "9887766554",
            "run_number": "10",
            "run_attempt": "2",
            "runner_environment": "github-hosted",
            "actor": "octocat",
            "workflow": "deploy",
            "head_ref": "",
            "base_ref": "",
            "event_name": "push",
            "ref_type": "branch",
            "ref_protected": "true",
            "job_workflow_ref": "acme/flows/.github/workflows/deploy.yml@refs/heads/main",
            "iss": GITHUB,
            "nbf": now - 5,
            "exp": now + 300,
            "iat": now,
        },
        changes,
    )


def gitlab(*, now: int = NOW, **changes: Any) -> dict[str, Any]:
    """The ``id_tokens`` of a job (https://docs.gitlab.com/ci/secrets/id_token_authentication)."""
    return _said(
        {
            "namespace_id": "72",
            "namespace_path": "acme",
            "project_id": "20",
            "project_path": "acme/shop",
            "user_id": "1",
            "user_login": "sample-user",
            "user_email": "sample-user@example.com",
            "user_access_level": "developer",
            "user_identities": [{"provider": "github", "extern_uid": "2435223452345"}],
            "groups_direct": ["acme", "acme/ops"],
            "pipeline_id": "574",
            "pipeline_source": "push",
            "job_id": "302",
            "ref": "main",
            "ref_type": "branch",
            "ref_path": "refs/heads/main",
            "ref_protected": "true",
            "environment": "production",
            "environment_protected": "true",
            "runner_id": 1,
            "runner_environment": "gitlab-hosted",
            "sha": "714a629c0b401fdce83e847fc9589983fc6f46bc",
            "jti": f"235b3a54-{next(_numbers)}",
            "iss": GITLAB,
            "iat": now,
            "nbf": now - 5,
            "exp": now + 3600,
            "sub": "project_path:acme/shop:ref_type:branch:ref:main",
            "aud": ISSUER,
        },
        changes,
    )


def kubernetes(*, now: int = NOW, **changes: Any) -> dict[str, Any]:
    """A projected service account token (TokenRequest API), bound to its pod and node."""
    return _said(
        {
            "aud": [ISSUER],
            "exp": now + 3607,
            "iat": now,
            "iss": CLUSTER,
            "jti": f"aed34954-{next(_numbers)}",
            "kubernetes.io": {
                "namespace": "shop",
                "node": {"name": "worker-1", "uid": "646e7c5e-32d6-4d42-9dbd-e504e6cbe6b1"},
                "pod": {"name": "api-7d4b9", "uid": "5e0bd49b-f040-43b0-99b7-22765a53f7f3"},
                "serviceaccount": {"name": "api", "uid": "14ee3fa4-a7e2-420f-9f9a-dbc4507c3798"},
                "warnafter": now + 3607,
            },
            "nbf": now,
            "sub": "system:serviceaccount:shop:api",
        },
        changes,
    )


def spiffe(*, now: int = NOW, **changes: Any) -> dict[str, Any]:
    """A JWT-SVID of SPIRE, which need have no ``jti``."""
    said = {
        "aud": [ISSUER],
        "exp": now + 300,
        "iat": now,
        "iss": TRUST_DOMAIN,
        "sub": "spiffe://acme.example/ns/shop/sa/api",
    }
    return _said(said, changes)


def google(*, now: int = NOW, **changes: Any) -> dict[str, Any]:
    """What the metadata server of a virtual machine gives, without any ``jti``."""
    return _said(
        {
            "aud": ISSUER,
            "azp": "110169484474386276334",
            "email": "api@acme-shop.iam.gserviceaccount.com",
            "email_verified": True,
            "exp": now + 3600,
            "google": {
                "compute_engine": {
                    "instance_creation_timestamp": now - 86_400,
                    "instance_id": "152986662232938449",
                    "instance_name": "api-1",
                    "project_id": "acme-shop",
                    "project_number": 739419398126,
                    "zone": "europe-west1-b",
                }
            },
            "iat": now,
            "iss": GOOGLE,
            "sub": "110169484474386276334",
        },
        changes,
    )


def _said(given: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """``given`` with these ``changes``; a claim that is None is left out."""
    return {name: each for name, each in (given | changes).items() if each is not None}


ISSUERS = {
    "github": GITHUB,
    "gitlab": GITLAB,
    "cluster": CLUSTER,
    "spire": TRUST_DOMAIN,
    "google": GOOGLE,
}
OPTIONS: dict[str, dict[str, Any]] = {
    name: {"reusable": True} for name in ("gitlab", "cluster", "spire", "google")
}


def token(claims: dict[str, Any] | None = None, *, alg: str = "RS256", **header: Any) -> str:
    """These claims, or a run's of GitHub, signed as federations sign."""
    key = header.pop("key", None)
    said = github() if claims is None else claims
    return sign(said, alg=alg, key=key, header={"typ": "JWT", **header})
