"""The command line: `caesar`, and where each of its commands is."""

import logging
import os
import sys
from importlib import import_module

import click

from caesar_web import config as settings
from caesar_web import logs, reporting
from caesar_web.commands import give_up
from caesar_web.config import InvalidSetting

PLACES = {
    "up": "starting:up",
    "web": "starting:web",
    "worker": "starting:worker",
    "scheduler": "starting:scheduler",
    "migrate": "starting:migrate",
    "standin": "starting:standin",
    "demo": "starting:demo",
    "new-key": "starting:new_key",
    "seed": "configuring:seed",
    "config": "configuring:configuration",
    "replay": "replaying:replay",
    "backfill": "runs:backfill",
    "rerun": "runs:rerun",
    "run": "runs:run_group",
}

log = logging.getLogger(__name__)


class Commands(click.Group):
    """Each command is imported when it is called, so that no process has more than it needs."""

    def list_commands(self, _: click.Context) -> list[str]:
        return sorted(PLACES)

    def get_command(self, _: click.Context, name: str) -> click.Command | None:
        if name not in PLACES:
            return None
        module, attribute = PLACES[name].split(":")
        command: click.Command = getattr(import_module(f"caesar_web.commands.{module}"), attribute)
        return command


def main() -> None:
    """The command `caesar`."""
    try:
        caesar()
    except InvalidSetting as problem:
        give_up(str(problem))
    except Exception:
        log.critical("this process ends", exc_info=True)
        sys.exit(1)


@click.group(cls=Commands)
@click.pass_context
def caesar(context: click.Context) -> None:
    """The decision engine of a citizen-science platform. Settings come from the environment."""
    context.obj = settings.load(os.environ)
    logs.set_up(context.obj)
    reporting.begin(context.obj)
