"""Commands that start runs, follow them, stop them, and do what they withheld."""

import getpass
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session
from tqdm import tqdm

from caesar_web import core
from caesar_web.commands import give_up
from caesar_web.config import Config
from caesar_web.domain import run_progress, run_reading
from caesar_web.domain.events import LARGEST_ID
from caesar_web.domain.id_lists import BadList, decoded, read_ids
from caesar_web.jobs import queues, tasks
from caesar_web.pipeline import run_orders, withholding
from caesar_web.pipeline.run_kinds import KINDS
from caesar_web.pipeline.run_orders import Scope
from caesar_web.pipeline.runs import Started, start
from caesar_web.store import audit_statements as audit
from caesar_web.store import run_statements as statements
from caesar_web.store import withheld_statements as withheld
from caesar_web.store.configuration import Workflow
from caesar_web.store.queries import reading
from caesar_web.store.runs import Run
from caesar_web.store.snapshot import Reducible

SECONDS_BETWEEN_LOOKS = 0.5
INTERRUPTED = 130  # the exit status of what Ctrl-C has ended
ID = click.IntRange(1, LARGEST_ID)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
MOMENT = click.DateTime(["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"])
NOBODY = "No worker carries it on: is `caesar worker runs` running? It goes on when one comes."


def _common(command: Callable[..., None]) -> Callable[..., None]:
    """Options of all commands that start a run."""
    for option in (
        click.option("--no-wait", is_flag=True, help="Do not wait until the run is over."),
        click.option("--act", is_flag=True, help="Do what rules decide; else it is counted."),
        click.option("--rate", type=click.IntRange(1, 1_000_000), help="At most so many a minute."),
        click.option("--since", type=MOMENT, metavar="MOMENT", help="Only since then, in UTC."),
        click.option("--subjects", type=FILE, help="Only the subjects whose ids are in FILE."),
        click.argument("workflow_id", metavar="WORKFLOW", type=ID),
        click.pass_obj,
    ):
        command = option(command)
    return command


@click.command()
@_common
@click.option("--never", is_flag=True, help="Only subjects of which nothing was ever extracted.")
@click.option("--user", type=ID, help="Only this volunteer's classifications.")
def backfill(config: Config, workflow_id: int, **options: Any) -> None:
    """Take in what Panoptes has of WORKFLOW, as if it had streamed in."""
    kind = "backfill_user" if options["user"] else "backfill"
    _carry_out(config, kind, workflow_id, options)


@click.group()
def rerun() -> None:
    """Extract or reduce again, as it is configured now."""


@rerun.command()
@_common
def extractors(config: Config, workflow_id: int, **options: Any) -> None:
    """Extract again what is kept of WORKFLOW's classifications."""
    _carry_out(config, "reextract", workflow_id, options)


@rerun.command()
@_common
@click.option("--never", is_flag=True, help="Only those that have no reduction.")
@click.option("--reducer", help="Only the reducer of this key.")
@click.option(
    "--check",
    type=click.Choice(["each", "last", "none"]),
    default="each",
    help="When rules are checked: after each classification, once at the end, or never.",
)
def reducers(config: Config, workflow_id: int, **options: Any) -> None:
    """Reduce the subjects and volunteers of WORKFLOW again."""
    _carry_out(config, "rereduce", workflow_id, options)


@click.group("run")
def run_group() -> None:
    """Look at a run, stop it, or do what it withheld."""


@run_group.command()
@click.argument("run_id", metavar="ID", type=ID)
@click.pass_obj
def show(config: Config, run_id: int) -> None:
    """Print how far the run ID is."""
    with core.create_core(config, pool_size=1).app_context(), reading() as session:
        _print(session, _find(session, run_id))


@run_group.command()
@click.argument("run_id", metavar="ID", type=ID)
@click.pass_obj
def stop(config: Config, run_id: int) -> None:
    """Stop the run ID after its step."""
    with core.create_core(config, pool_size=1).app_context(), tasks.transaction() as session:
        run = _find(session, run_id)
        if not statements.stop(session, run_id, now=_now()):
            give_up(f"Run {run_id} is over.")
        session.refresh(run)
        _note(session, "stopped a run", run)
        click.echo("It stops after this step." if run.status == "stopping" else "It is stopped.")


@run_group.command()
@click.argument("run_id", metavar="ID", type=ID)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def apply(config: Config, run_id: int, yes: bool) -> None:
    """Do what rules decided during the run ID, and what was withheld."""
    with core.create_core(config, pool_size=1).app_context():
        with reading() as session:
            if _find(session, run_id).finished_at is None:
                give_up(f"Run {run_id} is not over.")
            _print_withheld(session, run_id)
            number = withheld.count(session, run_id)
        if number and not yes:
            click.confirm(f"Do these {number:,}?", abort=True)
        with tasks.transaction() as session:
            run = session.get_one(Run, run_id, with_for_update=True)
            if withheld.count(session, run_id) != number:
                give_up("It is not the same any more. Look at it once more.")
            written = withholding.apply(session, run_id, now=_now())
            run.applied_at = _now()
            _note(session, "did what a run withheld", run)
        for workflow_id in written:
            queues.ring_actions(config.redis_url, workflow_id)
    click.echo(f"Actions that are decided now: {sum(written.values()):,}")


def _carry_out(config: Config, kind: str, workflow_id: int, options: dict[str, Any]) -> None:
    """Starts a run and follows it to its end."""
    scope = _scope(options)
    with core.create_core(config, pool_size=1).app_context():
        started = _start(kind, workflow_id, scope, acts=options["act"], rate=options["rate"])
        queues.ring_run(config.redis_url, started.run_id)
        is_new = started.is_new
        click.echo(f"Run {started.run_id} {'is started' if is_new else 'does this already'}.")
        if not options["no_wait"]:
            sys.exit(_follow(started.run_id))


def _scope(options: dict[str, Any]) -> Scope:
    chosen = [name for name in ("subjects", "never", "user", "since") if options.get(name)]
    if len(chosen) > 1:
        raise click.UsageError(f"--{chosen[0]} and --{chosen[1]} do not go together")
    since: datetime | None = options["since"]
    return Scope(
        _ids(options["subjects"]) if options["subjects"] else None,
        never=options.get("never", False),
        since=since and since.replace(tzinfo=UTC),
        user_id=options.get("user"),
        reducer_key=options.get("reducer"),
        check=options.get("check"),
    )


def _ids(file: Path) -> list[int]:
    try:
        found = read_ids(decoded(file.read_bytes()))
    except BadList as problem:
        give_up(f"{file}: {problem}")
    if not found:
        give_up(f"{file}: There are no ids.")
    return found


def _start(kind: str, workflow_id: int, scope: Scope, *, acts: bool, rate: int | None) -> Started:
    with tasks.transaction() as session:
        if session.get(Workflow, workflow_id) is None:
            give_up(f"There is no workflow {workflow_id} here.")
        reducible = Reducible("Workflow", workflow_id)
        order = run_orders.order(kind, reducible, scope, acts=acts, rate=rate)
        started = start(session, order, by=_who(), now=_now())
        if started.is_new:
            _note(session, "started a run", session.get_one(Run, started.run_id))
        return started


def _follow(run_id: int) -> int:
    """Shows how far a run is until it is over; gives the exit status."""
    with reading() as session:
        run = _find(session, run_id)
        unit, done = KINDS[run.kind].unit, run.done
    try:
        with tqdm(total=None, initial=done, unit=f" {unit}", leave=True) as shown:
            while True:
                with reading() as session:
                    run = _find(session, run_id)
                    shown.total = run.total
                    shown.update(run.done - shown.n)
                    shown.set_postfix_str(run.status)
                    is_over = run.finished_at is not None
                    is_lost = statements.is_lost(run, now=_now())
                if is_over or is_lost:
                    break
                time.sleep(SECONDS_BETWEEN_LOOKS)
    except KeyboardInterrupt:
        click.echo(f"Run {run_id} goes on. `caesar run show {run_id}` says how far it is.")
        return INTERRUPTED
    if is_lost:
        click.echo(NOBODY, err=True)
        return 1
    with reading() as session:
        run = _find(session, run_id)
        _print(session, run)
        return 0 if run.status == "finished" else 1


def _print(session: Session, run: Run) -> None:
    title, scope = run_reading.title(run.kind), run_reading.scope(run.kind, run.options)
    unit = run_progress.unit(KINDS[run.kind].unit, run.done)
    click.echo(f"Run {run.id}: {title} of {run.reducible_type.lower()} {run.reducible_id}")
    click.echo(f"  {scope}")
    total = "" if run.total is None else f" of {'about ' if run.is_estimate else ''}{run.total:,}"
    is_lost = statements.is_lost(run, now=_now())
    click.echo(f"  {'lost' if is_lost else run.status}: {run.done:,}{total} {unit}")
    if run.failed:
        click.echo(f"  could not be done: {run.failed:,}")
    if run.last_error:
        click.echo(f"  {run_reading.problem_in_words(run.last_error)}")
    _print_withheld(session, run.id)


def _print_withheld(session: Session, run_id: int) -> None:
    for one in withheld.summed(session, run_id):
        targets = run_progress.unit(f"{one.target_type}s", one.number)
        click.echo(f"  withheld: {one.effect_type} for {one.number:,} {targets}")


def _find(session: Session, run_id: int) -> Run:
    run = session.get(Run, run_id, populate_existing=True)
    if run is None:
        give_up(f"There is no run {run_id}.")
    return run


def _note(session: Session, action: str, run: Run) -> None:
    about = f"{run_reading.title(run.kind)}, run {run.id}"
    where = {f"{run.reducible_type.lower()}_id": run.reducible_id}
    audit.write(session, now=_now(), action=action, about=about, actor=_who(), **where)


def _who() -> str:
    return f"{getpass.getuser()} (command line)"


def _now() -> datetime:
    return datetime.now(UTC)
