"""The command itself: its help page, its options and its subcommands."""

from pathlib import Path

import click

from issuer import token
from issuer.cli.check import check
from issuer.cli.client import client
from issuer.cli.code import code
from issuer.cli.device import device
from issuer.cli.explain import explain
from issuer.cli.federation import federation
from issuer.cli.group import group
from issuer.cli.init import init
from issuer.cli.inspect import inspect
from issuer.cli.keys import keys
from issuer.cli.login_key import login_key
from issuer.cli.place import Place
from issuer.cli.refusal import Refusing
from issuer.cli.resource import resource
from issuer.cli.revoke import revoke
from issuer.cli.schema import schema
from issuer.cli.user import user
from issuer.registry import files

CORE = "pure Python" if token.__file__.endswith(".py") else "compiled"
"""What runs: the sources, or what was compiled of the core's (``.ci/compile.py``)."""

EPILOG = """
\b
The usual order:
  issuer init              write both files, with a demo client
  gunicorn                 serve them
  issuer resource add …    an API that tokens are for
  issuer client add …      an application that asks for them
  issuer check             before a changed file reaches the workers
  issuer keys rotate       now and then
  issuer inspect           when a token does not do what it should
  issuer revoke …          when one must not do it any more

\b
Exit codes:
  0   done, or good
  1   refused: a problem of the files, or a token that is not good
  2   the command was written wrong
"""


class InOrder(Refusing):
    """Lists the commands in the order in which they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands, as they were added."""
        return list(self.commands)


@click.group(cls=InOrder, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--registry",
    type=click.Path(path_type=Path),
    default="registry.toml",
    envvar=files.REGISTRY_VARIABLE,
    show_envvar=True,
    show_default=True,
    help="Clients, resources, users: a .toml or .json file, or a directory of them.",
)
@click.option(
    "--keyring",
    type=click.Path(path_type=Path),
    default="keyring.json",
    envvar=files.KEYRING_VARIABLE,
    show_envvar=True,
    show_default=True,
    help="The private keys and their timetable.",
)
@click.version_option(package_name="issuer", message=f"%(prog)s, version %(version)s ({CORE})")
@click.pass_context
def issuer(context: click.Context, registry: Path, keyring: Path) -> None:
    """Issue OAuth 2.0 tokens from two files, and without a database.

    The registry says who may have which tokens; it holds no secret. The key ring holds the keys.
    Every worker that reads the same two files issues and redeems the same tokens, and picks up a
    change of either within seconds.
    """
    context.obj = Place(registry, keyring)


for _command in (
    init,
    check,
    client,
    resource,
    user,
    group,
    federation,
    keys,
    login_key,
    code,
    device,
    inspect,
    explain,
    revoke,
    schema,
):
    issuer.add_command(_command)
