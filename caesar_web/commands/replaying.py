"""The command that posts what a file has of events."""

from pathlib import Path
from typing import Any

import click

from caesar_web import replay as replaying
from caesar_web.commands import give_up
from caesar_web.config import Config
from caesar_web.panoptes.answers import AnswerLabels
from caesar_web.panoptes.client import Panoptes
from caesar_web.panoptes.errors import PanoptesError
from caesar_web.standin import forwarding


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--url", help="Where to post; the web server of this configuration if not given.")
@click.option("--batch", type=click.IntRange(1, 10_000), default=100, help="Events a request.")
@click.option("--project-id", type=int, help="Project of a classification export, which lacks it.")
@click.option("--skip-bad", is_flag=True, help="Go on after lines that cannot be read.")
@click.pass_obj
def replay(
    config: Config, file: Path, url: str | None, batch: int, project_id: int | None, skip_bad: bool
) -> None:
    """Post the events in FILE: JSON lines, or a classification export (CSV)."""

    def post(events: Any) -> None:
        forwarding.post_events(
            events,
            url or f"http://127.0.0.1:{config.port}",
            config.stream_username,
            config.stream_password,
        )

    on_bad = (lambda bad: click.echo(str(bad), err=True)) if skip_bad else None
    panoptes = Panoptes(
        config.panoptes_url, config.panoptes_client_id, config.panoptes_client_secret
    )
    labels = AnswerLabels(panoptes)
    try:
        done = replaying.replay(
            file, post, batch=batch, project_id=project_id, answer_labels=labels, on_bad=on_bad
        )
    except (replaying.BadLine, PanoptesError, ValueError, OSError) as problem:
        give_up(str(problem))
    click.echo(f"{done.events} events in {done.seconds:.1f} s, {done.rate:.0f} a second")
    if done.bad_lines:
        click.echo(f"{done.bad_lines} lines could not be read", err=True)
