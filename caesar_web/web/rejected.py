"""Pages of events that were refused: by reason, trying them again, or discarding them."""

import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Response, flash, redirect, request, url_for
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response as AnyResponse

from caesar_web.access import operating
from caesar_web.access.permissions import permit
from caesar_web.domain.causes import cause_of, key_of
from caesar_web.pipeline.ingest import Replayed
from caesar_web.store import rejected_statements as rejected
from caesar_web.store.queries import reading
from caesar_web.store.rejected_statements import Refused, Shown
from caesar_web.web import asking
from caesar_web.web.asking import Asked
from caesar_web.web.pages import page

PAGE_SIZE = 10
MOST_REASONS = 50
VERBS = {"replay": "Replay", "discard": "Discard"}
DOES = {
    "replay": "Each is taken in as if the stream had just brought it. What is refused again stays.",
    "discard": "They are removed. Only a backfill brings their classifications.",
}

blueprint = Blueprint("rejected", __name__, url_prefix="/operations/rejected")


@dataclass(frozen=True)
class Reason:
    """Why events are refused, without the ids and numbers in it; how many, and when."""

    words: str
    key: str
    number: int
    first: datetime
    last: datetime


@dataclass(frozen=True)
class Event:
    """A refused event, with as much of it as is shown."""

    id: int
    reason: str
    at: datetime
    text: str
    length: int
    is_cut: bool


@blueprint.get("")
@permit("operate the service")
def index() -> Response:
    wanted, first = request.args.get("reason") or None, max(0, request.args.get("from", 0, int))
    with reading() as session:
        newest = rejected.newest(session)
        matching = _matching(newest, wanted)
        on_page = matching[first : first + PAGE_SIZE]
        texts = rejected.shown(session, [one.id for one in on_page])
    reasons = _reasons(newest)
    return page(
        "operations/rejected.html",
        reasons=reasons[:MOST_REASONS],
        more=max(0, len(reasons) - MOST_REASONS),
        chosen=next((one for one in reasons if one.key == wanted), None),
        events=[_event(one, texts[one.id]) for one in on_page if one.id in texts],
        ids=",".join(str(one.id) for one in on_page),
        number=len(matching),
        highest=max((one.id for one in matching), default=0),
        is_full=len(newest) == rejected.MOST,
        most=rejected.MOST,
        this=_address(wanted, first),
        newer=_address(wanted, max(0, first - PAGE_SIZE)) if first else None,
        older=_address(wanted, first + PAGE_SIZE) if first + PAGE_SIZE < len(matching) else None,
    )


@blueprint.post("")
@permit("operate the service")
def act() -> AnyResponse:
    """Asks first where it is many, and names the number; then does it to exactly those."""
    verb = request.form.get("do", "")
    if verb not in VERBS:
        raise BadRequest
    events = _wanted()
    if not events:
        flash("Nothing of that is here any more.")
        return redirect(url_for("rejected.index"))
    if not request.form.get("sure"):
        return page("operations/confirm.html", asked=_asked(verb, events))
    flash(_done(verb, events))
    return redirect(url_for("rejected.index"))


def _matching(events: Sequence[Refused], key: str | None) -> list[Refused]:
    return [one for one in events if key is None or key_of(cause_of(one.reason)) == key]


def _wanted() -> list[Refused]:
    """Those that the form names; or all that it matched when they were listed."""
    with reading() as session:
        if request.form.get("ids") or request.form.get("sure"):
            ids = list(map(int, asking.ids(most=rejected.MOST)))
            return rejected.named(session, ids)
        newest = rejected.newest(session)
    matching = _matching(newest, request.form.get("reason") or None)
    return [one for one in matching if asking.was_there(str(one.id), None)]


def _reasons(events: Sequence[Refused]) -> list[Reason]:
    numbers = Counter(cause_of(one.reason) for one in events)
    last = {cause_of(one.reason): one.at for one in reversed(events)}
    first = {cause_of(one.reason): one.at for one in events}
    return [
        Reason(words, key_of(words), number, first[words], last[words])
        for words, number in numbers.most_common()
    ]


def _event(one: Refused, shown: Shown) -> Event:
    text = _readable(shown.text)
    is_cut = len(shown.text) < shown.length or len(text) > rejected.LONGEST_SHOWN
    text = text[: rejected.LONGEST_SHOWN]
    return Event(one.id, one.reason, one.at, text, shown.length, is_cut)


def _readable(text: str) -> str:
    """With line ends, where all of it is there; as it is kept where not."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def _asked(verb: str, events: Sequence[Refused]) -> Asked:
    number = len(events)
    noun = "event" if number == 1 else "events"
    causes = {cause_of(one.reason) for one in events}
    return Asked(
        f"{VERBS[verb]} {number:,} {noun}?",
        causes.pop() if len(causes) == 1 else f"{len(causes):,} reasons",
        f"{VERBS[verb]} {asking.these(number)}",
        DOES[verb],
        number=number,
        listed=asking.listed(number),
        address=url_for("rejected.act"),
        back=url_for("rejected.index"),
        fields=(("do", verb), ("sure", "1"), ("ids", _listed_ids(events))),
    )


def _done(verb: str, events: Collection[Refused]) -> str:
    """Does it; how it went."""
    causes = sorted({cause_of(one.reason) for one in events})
    cause = causes[0] if len(causes) == 1 else f"{len(causes):,} reasons"
    ids = [one.id for one in events]
    if verb == "replay":
        return _told(operating.replay_events(ids, cause))
    number = operating.discard_events(ids, cause)
    return f"{number:,} {'event is' if number == 1 else 'events are'} discarded."


def _told(replayed: Replayed) -> str:
    taken, told = replayed.taken, []
    if taken.kept:
        told.append(f"{taken.kept:,} taken in")
    if left_out := replayed.gone - taken.kept:
        told.append(f"{left_out:,} left out, as no workflow here wants it")
    if taken.rejected:
        told.append(f"{taken.rejected:,} refused again, with the reason that is shown now")
    return f"{', '.join(told)}." if told else "Nothing of that is here any more."


def _listed_ids(events: Sequence[Refused]) -> str:
    return ",".join(str(one.id) for one in events)


def _address(reason: str | None, first: int) -> str:
    given = {"reason": reason, "from": first or None}
    return url_for("rejected.index", **given)  # type: ignore[arg-type]  # it leaves None out
