"""``issuer federation``: those who vouch for workloads."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import click

from issuer.cli.page import note
from issuer.cli.place import Place, pass_place
from issuer.cli.refusal import Refusal

KINDS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "github": {
            "issuer": "https://token.actions.githubusercontent.com",
            "algs": ["RS256"],
            "map": {"repository": "repository", "ref": "ref", "sha": "sha"},
        },
        "gitlab": {
            "issuer": "https://gitlab.com",
            "algs": ["RS256"],
            "reusable": True,
            "map": {"project_path": "project_path", "ref": "ref", "sha": "sha"},
        },
        "google": {"issuer": "https://accounts.google.com", "algs": ["RS256"], "reusable": True},
        "kubernetes": {
            "reusable": True,
            "map": {
                "kubernetes.io": {
                    "namespace": "namespace",
                    "serviceaccount": {"name": "serviceaccount"},
                }
            },
        },
        "spiffe": {"reusable": True, "map": {"sub": "spiffe_id"}},
        "other": {},
    }
)
"""What is known of each kind. Whose tokens are kept in a file, or in a job's variable, comes with
the same one again."""

RULES: Mapping[str, str] = MappingProxyType(
    {
        "github": 'subject = "repo:acme/shop:environment:production"',
        "gitlab": 'subject = "project_path:acme/shop:ref_type:branch:ref:main"',
        "google": 'subject = "110169484474386276334"',
        "kubernetes": 'subject = "system:serviceaccount:shop:api"',
        "spiffe": 'subject = "spiffe://acme.example/ns/shop/sa/api"',
        "other": 'subject = "…"',
    }
)


@click.group
def federation() -> None:
    """Federations: whose tokens workloads may come with."""


@federation.command
@click.argument("kind", type=click.Choice(list(KINDS)))
@click.option("--name", help="What it is called; the kind if left out.")
@click.option("--issuer", metavar="URL", help="The iss of its tokens, to the letter.")
@click.option("--audience", help="The aud of its tokens; this issuer's URL if left out.")
@click.option("--jwks-file", metavar="FILE", help="Its keys, in a file beside the registry.")
@click.option("--jwks-uri", metavar="URL", help="Or where they are; discovery, if left out.")
@click.option(
    "--file", metavar="NAME", help="The file to add to, where the registry is a directory."
)
@pass_place
def add(  # noqa: PLR0913, PLR0917  an option each
    place: Place,
    kind: str,
    name: str | None,
    issuer: str | None,
    audience: str | None,
    jwks_file: str | None,
    jwks_uri: str | None,
    file: str | None,
) -> None:
    """Add a federation: github, gitlab, google, kubernetes, spiffe, …

    \b
    Examples:
      issuer federation add github
      issuer federation add gitlab --issuer https://gitlab.example
      issuer federation add kubernetes --issuer https://kubernetes.default.svc.cluster.local \\
        --jwks-file cluster.jwks.json
    """
    given = {"issuer": issuer, "audience": audience, "jwks_file": jwks_file, "jwks_uri": jwks_uri}
    record = {**KINDS[kind], **{key: each for key, each in given.items() if each is not None}}
    if "issuer" not in record:
        raise Refusal(f"Of {kind}, say the --issuer: each has its own.")
    called = name or kind
    edited = place.add(("federations", called), record, file)
    note(f"Added federation {called} to {edited}. A client that comes with its tokens has:\n")
    note('token_endpoint_auth_method = "private_key_jwt"')
    note(f'federated = [{{ federation = "{called}", {RULES[kind]} }}]')
