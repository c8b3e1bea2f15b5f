"""``issuer client``: the applications that ask for tokens. One module per command."""

import click

from issuer.cli.client.add import add_client
from issuer.cli.client.assertion import new_assertion
from issuer.cli.client.hash import hash_secret
from issuer.cli.client.key import new_key
from issuer.cli.client.list import list_clients
from issuer.cli.client.secret import new_secret


@click.group
def client() -> None:
    """Clients: the applications that ask for tokens."""


for _command in (add_client, new_secret, hash_secret, new_key, new_assertion, list_clients):
    client.add_command(_command)
