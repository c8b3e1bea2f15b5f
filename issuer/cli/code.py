"""``issuer code``: an authorization code without a browser."""

from collections.abc import Sequence
from secrets import token_urlsafe
from shlex import quote
from urllib.parse import quote as escape

import click

from issuer.browser.authorize import AuthorizationRequest, issue_code
from issuer.cli import clock
from issuer.cli.page import note, words
from issuer.cli.place import Place, pass_place
from issuer.client_auth.private_key_jwt import ASSERTION_TYPE
from issuer.metadata import TOKEN
from issuer.protocol.pkce import s256
from issuer.protocol.sealed import AuthorizationCode
from issuer.registry.client import Client
from issuer.registry.scope import OFFLINE_ACCESS
from issuer.server import AuthorizationServer


@click.command
@click.option("--client", "client_id", required=True, metavar="ID", help="Who may redeem it.")
@click.option("--user", "username", required=True, metavar="NAME", help="Whose grant it is.")
@click.option("--redirect-uri", metavar="URI", help="The client's only one if left out.")
@click.option("--scope", help="Space-separated; all that the client may have there if left out.")
@click.option("--resource", multiple=True, metavar="URI", help="Repeat for several.")
@click.option(
    "--code-challenge",
    metavar="S256",
    help="If left out, made with its verifier for a client that has to send one.",
)
@pass_place
def code(
    place: Place,
    client_id: str,
    username: str,
    redirect_uri: str | None,
    scope: str | None,
    resource: tuple[str, ...],
    code_challenge: str | None,
) -> None:
    """Issue an authorization code without a browser.

    As if the user had logged in and agreed: for tests, and for a login page of your own. Prints
    the code and, on a second line, the code_verifier if it made one; the request that redeems them
    goes to stderr.

    \b
    Example:
      issuer code --client web --user alice
    """
    now = clock.now()
    server = place.load(now)
    client = server.registry.clients.get(client_id)
    verifier = token_urlsafe(32) if client and client.require_pkce and not code_challenge else None
    challenge = s256(verifier) if verifier else code_challenge
    request = AuthorizationRequest(
        client_id=client_id,
        redirect_uri=redirect_uri or _only_redirect_uri(client),
        scope=scope or (_whole_scope(server, client, resource) if client else None),
        resource=resource,
        code_challenge=challenge,
        code_challenge_method="S256" if challenge else None,
    )
    issued = issue_code(server, request, username=username, now=now)
    for line in filter(None, (issued, verifier)):
        click.echo(line)
    opened = server.sealer.open(AuthorizationCode, issued, now=now)
    client = server.registry.clients[client_id]
    proof = " with a DPoP proof added, by its client," if client.dpop_bound_access_tokens else ""
    note(f"\nGood for {words(opened.expires_at - now)};{proof} this redeems it:\n")
    note(redemption(server, client, issued, opened.redirect_uri, verifier))


def _whole_scope(
    server: AuthorizationServer, client: Client, resources: Sequence[str]
) -> str | None:
    """All that ``client`` may have at these resources, or at its default; None for nothing.

    Without a scope a client would get no ``openid``, and so some clients nothing at all.
    """
    named = map(server.registry.resource, resources or client.resources[:1])
    known = {scope for each in named if each for scope in each.scopes} | {OFFLINE_ACCESS}
    if client.is_relying_party:
        known.update(server.registry.own.scopes)
    return str(client.scope.only(known)) or None


def _only_redirect_uri(client: Client | None) -> str | None:
    return client.redirect_uris[0] if client and len(client.redirect_uris) == 1 else None


def redemption(
    server: AuthorizationServer,
    client: Client,
    issued: str,
    redirect_uri: str,
    verifier: str | None,
) -> str:
    """The request that redeems the code; curl asks for the secret where there is one."""
    fields = {"grant_type": "authorization_code", "code": issued, "redirect_uri": redirect_uri}
    if verifier:
        fields["code_verifier"] = verifier
    if client.token_endpoint_auth_method == "client_secret_basic":
        who = f"-u {quote(escape(client.client_id, safe=''))} "
    elif client.signs_assertions:
        made = f"$(issuer client assertion {quote(client.client_id)})"
        who = f'-d client_assertion_type={ASSERTION_TYPE} \\\n  -d client_assertion="{made}" '
    else:
        fields["client_id"] = client.client_id
        who = "" if client.is_public else "-d client_secret=SECRET "
    data = " \\\n  ".join(f"--data-urlencode {quote(f'{k}={v}')}" for k, v in fields.items())
    return f"curl -sS {who}\\\n  {data} \\\n  {quote(server.issuer + TOKEN)}"
