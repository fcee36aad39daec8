"""The commands of `caesar`, as `caesar_web.cli` finds them."""

import sys
from typing import NoReturn

import click


def give_up(message: str) -> NoReturn:
    """Ends the process, having said why."""
    click.echo(message, err=True)
    sys.exit(1)
