"""Pages of what has failed, by cause: trying it again, or discarding it, as many as were listed."""

from collections.abc import Sequence

from flask import Blueprint, Response, flash, redirect, request, url_for
from redis import RedisError
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response as AnyResponse

from caesar_web.access import parts
from caesar_web.access.permissions import permit
from caesar_web.domain.causes import key_of
from caesar_web.store import failure_statements as failures
from caesar_web.store.queries import reading
from caesar_web.web import asking, failure_groups
from caesar_web.web.asking import Asked
from caesar_web.web.failure_groups import SORTS, Group, Member, Sort
from caesar_web.web.pages import page

MOST_GROUPS = 25
EXAMPLES = 3
PAGE_SIZE = 50
VERBS = {"retry": "Retry", "discard": "Discard"}
DONE = {"retry": "tried again", "discard": "discarded"}

blueprint = Blueprint("failures", __name__, url_prefix="/operations/failures")


@blueprint.get("")
@permit("operate the service")
def index() -> Response:
    with reading() as session:
        found = failure_groups.found(session)
    return page(
        "operations/failures.html",
        found=found,
        groups=found.groups[:MOST_GROUPS],
        more=max(0, len(found.groups) - MOST_GROUPS),
        examples=EXAMPLES,
        most=failures.MOST,
        seen=parts.now().isoformat(),
    )


_SORT = f"<any({', '.join(SORTS)}):failure_sort>"


@blueprint.get(f"/{_SORT}/<cause_key>")
@permit("operate the service")
def show(failure_sort: str, cause_key: str) -> Response:
    """The failures of one cause, page by page."""
    group = _group(failure_sort, cause_key)
    first = max(0, request.args.get("from", 0, type=int))
    members = group.members[first : first + PAGE_SIZE] if group else []
    own = url_for("failures.show", failure_sort=failure_sort, cause_key=cause_key)
    return page(
        "operations/failure.html",
        sort=SORTS[failure_sort],
        group=group,
        members=members,
        ids=",".join(one.id for one in members),
        newer=f"{own}?from={max(0, first - PAGE_SIZE)}" if first else None,
        older=f"{own}?from={first + PAGE_SIZE}"
        if group and first + PAGE_SIZE < group.number
        else None,
        address=own,
        seen=parts.now().isoformat(),
    )


@blueprint.post(f"/{_SORT}/<cause_key>")
@permit("operate the service")
def act(failure_sort: str, cause_key: str) -> AnyResponse:
    """Asks first, and names the number; then does it to those that were asked about."""
    verb, sort = request.form.get("do", ""), SORTS[failure_sort]
    if verb not in VERBS:
        raise BadRequest
    if request.form.get("sure"):
        ids = asking.ids(most=failures.MOST, are_numbers=sort.of_ids is int)
        _do(sort, verb, list(map(sort.of_ids, ids)), _cause(sort, cause_key))
        return redirect(url_for("failures.index"))
    group = _group(failure_sort, cause_key)
    members = _listed(group) if group else []
    if group is None or not members:
        flash("Nothing of that is listed any more.")
        return redirect(url_for("failures.index"))
    return page("operations/confirm.html", asked=_asked(group, verb, members))


def _group(sort: str, key: str) -> Group | None:
    with reading() as session:
        return failure_groups.group(session, sort, key)


def _do(sort: Sort, verb: str, ids: Sequence[object], cause: str) -> None:
    act = sort.retry if verb == "retry" else sort.discard
    try:
        number = act(ids, cause)
    except RedisError:
        flash("Redis is away. Perhaps a part of it was done; look again.", "wrong")
        return
    left = len(ids) - number
    more = f" {left:,} had gone meanwhile, or are at work." if left else ""
    are = "is" if number == 1 else "are"
    flash(f"{sort.named(number)} {are} {DONE[verb]}.{more}")


def _cause(sort: Sort, key: str) -> str:
    """The cause that somebody was asked about, which must be the page's. Raises BadRequest."""
    what, cause = request.form.get("what", ""), request.form.get("cause", "")
    if key_of(sort.name, what, cause) != key or "\0" in what + cause:
        raise BadRequest
    return Group(sort, what, cause, []).words


def _listed(group: Group) -> list[Member]:
    """Of a group, those whose ids are named; or all that were there when it was listed."""
    if given := request.form.get("ids"):
        wanted = set(given.split(","))
        return [one for one in group.members if one.id in wanted]
    return [one for one in group.members if asking.was_there(one.id, one.at)]


def _asked(group: Group, verb: str, members: Sequence[Member]) -> Asked:
    sort = group.sort
    return Asked(
        f"{VERBS[verb]} {sort.named(len(members))}?",
        group.words,
        f"{VERBS[verb]} {asking.these(len(members))}",
        sort.retries if verb == "retry" else sort.discards,
        number=len(members),
        listed=asking.listed(len(members)),
        address=url_for("failures.act", failure_sort=sort.name, cause_key=group.key),
        back=url_for("failures.index"),
        fields=(
            ("do", verb),
            ("sure", "1"),
            ("what", group.what),
            ("cause", group.cause),
            ("ids", ",".join(one.id for one in members)),
        ),
    )
