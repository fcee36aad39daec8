"""Lists of the subjects or volunteers that were reduced last, and finding one by its id."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound
from wtforms import Form

from caesar_web.domain.effects import panoptes_id
from caesar_web.domain.grouping import DEFAULT_SUBGROUP
from caesar_web.domain.options import Unreadable
from caesar_web.domain.scope import Reductions
from caesar_web.store import samples, timelines
from caesar_web.store.result_statements import SUBJECT, Topic
from caesar_web.web import acts, target_page
from caesar_web.web.acts import ActShown
from caesar_web.web.shown_data import in_short

MOST_TARGETS = 50
MOST_REDUCTIONS = 3  # of each
LONGEST_REDUCTION = 80


@dataclass(frozen=True)
class TargetRow:
    """A subject or volunteer with their first reductions, and the latest action of each effect."""

    target_id: int
    reductions: Sequence[tuple[str, str]]
    more: int
    acts: Sequence[ActShown]


def recent(session: Session, workflow_id: int, topic: Topic) -> list[TargetRow]:
    """Those that were reduced last, in a fixed number of statements."""
    read = samples.recent_subjects if topic is SUBJECT else samples.recent_users
    found = read(session, workflow_id, most=MOST_TARGETS)
    latest = timelines.latest_acts(session, workflow_id, topic, [id for id, _ in found])
    done: dict[int, list[ActShown]] = {}
    for shown in acts.shown(session, workflow_id, latest):
        done.setdefault(shown.act.target_id, []).append(shown)
    return [_row(id, scope.reductions, done) for id, scope in found]


def chosen(session: Session, workflow_id: int, topic: Topic, form: Form) -> int | None:
    """The id that was asked for; None where none was, or the form says what is wrong with it."""
    if not form.id.data:
        return None
    try:
        id = panoptes_id(form.id.data.strip())
        target_page.find(session, workflow_id, topic, id)
    except Unreadable as problem:
        form.id.errors = [f"This {problem}."]
        return None
    except NotFound:
        noun = "subject" if topic is SUBJECT else "volunteer"
        form.id.errors = [f"This workflow has nothing of {noun} {id}."]
        return None
    return id


def _row(
    target_id: int, reductions: Reductions, done: Mapping[int, Sequence[ActShown]]
) -> TargetRow:
    shown = list(islice(_in_short(reductions), MOST_REDUCTIONS))
    total = sum(map(len, reductions.values()))
    return TargetRow(target_id, shown, total - len(shown), done.get(target_id, ()))


def _in_short(reductions: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for key, subgroups in reductions.items():
        for name, data in subgroups.items():
            place = key if name == DEFAULT_SUBGROUP else f"{key}[{name}]"
            yield place, in_short(data, most=LONGEST_REDUCTION)
