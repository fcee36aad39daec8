"""Commands that are processes. Each imports what it needs and no more: it starts soon, is small."""

import os
import sys

import click

from caesar_web.commands import give_up
from caesar_web.config import Config


@click.command()
@click.pass_obj
def up(config: Config) -> None:
    """Start everything on this machine, and stop it on Ctrl-C."""
    from caesar_web import supervisor

    sys.exit(supervisor.run(config))


@click.command()
@click.pass_obj
def web(config: Config) -> None:
    """Serve pages, the API and the ingest route."""
    from caesar_web.core import ROOT

    gunicorn = [sys.executable, "-m", "gunicorn", "--config", str(ROOT / "deploy" / "gunicorn.py")]
    address = f"{config.host}:{config.port}"
    arguments = ["--bind", address, "--threads", str(config.web_threads), "wsgi:app"]
    os.execv(sys.executable, [*gunicorn, "--chdir", str(ROOT), *arguments])  # noqa: S606  # no shell


@click.command()
@click.argument("queue")
@click.pass_obj
def worker(config: Config, queue: str) -> None:
    """Work one QUEUE."""
    from caesar_web import core
    from caesar_web.jobs import worker as working

    served = [name for name, _ in config.queues]
    if queue not in served:
        give_up(f"CAESAR_QUEUES does not name the queue {queue!r}; it serves: {', '.join(served)}")
    app = core.create_core(config, pool_size=1 + working.ASIDE.get(queue, 0))
    core.collect_seldom()
    working.work(app, queue)


@click.command()
@click.pass_obj
def scheduler(config: Config) -> None:
    """Ring again and again for work that waits."""
    from caesar_web import core
    from caesar_web.jobs import worker as working

    working.schedule(core.create_core(config, pool_size=1))


@click.command()
@click.pass_obj
def migrate(config: Config) -> None:
    """Bring the database to the newest schema."""
    from caesar_web import core

    core.migrate(core.create_core(config, pool_size=1))


@click.command()
@click.pass_obj
def standin(config: Config) -> None:
    """Serve the stand-in Panoptes."""
    from caesar_web.standin import server

    server.serve(config)


@click.command()
@click.pass_obj
def demo(config: Config) -> None:
    """Post sample classifications, CAESAR_DEMO_RATE of them each second."""
    from caesar_web.standin import demo as demonstration

    demonstration.run(config)


@click.command("new-key")
def new_key() -> None:
    """Print a new key for ENCRYPTION_KEYS."""
    from caesar_web import config_readers

    click.echo(config_readers.new_key())
