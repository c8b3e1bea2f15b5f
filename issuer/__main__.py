"""``issuer``, and ``python -m issuer``."""

import sys

ADVICE = """\
The issuer needs {missing}, which comes with its server extra:

    pip install 'issuer[server]'
"""


def main() -> None:
    """Runs the command; says what to install where only the library is."""
    try:
        from issuer.cli.command import issuer
    except ModuleNotFoundError as error:
        if (error.name or "issuer").partition(".")[0] in ("issuer", "keys"):
            raise
        sys.stderr.write(ADVICE.format(missing=error.name))
        sys.exit(2)
    issuer(prog_name="issuer")


if __name__ == "__main__":
    main()
