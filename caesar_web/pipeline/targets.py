"""Whose the targets of effects are: asked when an effect is saved, and again when it acts."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from caesar_web.domain.effects import EffectRow, Target, panoptes_id, target_of
from caesar_web.domain.options import Unreadable
from caesar_web.domain.values import InvalidConfiguration, Problem
from caesar_web.external.addresses import RefusedAddress, refuse_in_itself
from caesar_web.panoptes.client import Panoptes
from caesar_web.panoptes.errors import PanoptesError
from caesar_web.store.effects import Owner


@dataclass(frozen=True)
class Author:
    """Who saves configuration, and whether they may update the project with an id.

    An administrator may also use what belongs to somebody else and to no project.
    """

    name: str
    user_id: int | None
    may_update: Callable[[int], bool]
    is_admin: bool = False


class _Kind(NamedTuple):
    name: str
    read: Callable[[Panoptes, int], dict[str, Any]]


KINDS = {
    "subject_set_id": _Kind("subject set", Panoptes.subject_set),
    "collection_id": _Kind("collection", Panoptes.collection),
    "workflow_id": _Kind("workflow", Panoptes.workflow),
}


def permissions(
    panoptes: Panoptes, effects: Iterable[tuple[str, EffectRow]], author: Author
) -> dict[Target, Owner]:
    """What the targets of effects belong to that the author may change, with the effects' places.

    Raises InvalidConfiguration with every target that is unknown or not for the author to change
    and every address that is never called, and PanoptesError.
    """
    places: dict[Target, list[str]] = {}
    problems: list[Problem] = []
    for place, effect in effects:
        if target := target_of(effect.action, effect.config):
            places.setdefault(target, []).append(f"{place}.{target.option}")
        if "url" in effect.config:
            problems += _not_callable(effect.config["url"], f"{place}.url")
    found: dict[Target, Owner] = {}
    for target in places:
        owners = _owners(panoptes, target)
        allowed = [owner for owner in owners or () if _may_use(author, owner)]
        if allowed:
            found[target] = allowed[0]
        else:
            message = _unknown(target) if owners is None else _not_permitted(target)
            problems += [Problem(place, message) for place in places[target]]
    if problems:
        raise InvalidConfiguration(problems)
    return found


def objection(panoptes: Panoptes, target: Target, recorded: Owner | None) -> str | None:
    """Why an effect may not touch its target, if so: it must still belong to what is recorded."""
    if recorded is None:
        return "nobody's permission is recorded; save the effect again"
    owners = _owners(panoptes, target)
    if owners is None:
        return _unknown(target)
    if recorded in owners:
        return None
    return (
        f"{_name(target)} belongs to {_said(owners)} now, and no longer to {_said([recorded])} as "
        "when the effect was saved; save the effect again"
    )


def _owners(panoptes: Panoptes, target: Target) -> list[Owner] | None:
    """All that a target belongs to in Panoptes; None where there is no such target."""
    try:
        row = KINDS[target.option].read(panoptes, target.id)
    except PanoptesError as problem:
        if problem.status == 404:
            return None
        raise
    try:
        links = row["links"]
        if target.option != "collection_id":
            return [{"project": panoptes_id(links["project"])}]
        projects = [{"project": panoptes_id(id)} for id in links.get("projects") or ()]
        owner = links["owner"]
        is_user = owner.get("type", "users") == "users"  # groups have ids of their own
        return projects + ([{"owner": panoptes_id(owner["id"])}] if is_user else [])
    except (KeyError, TypeError, AttributeError, Unreadable):
        message = f"Panoptes does not say what {_name(target)} belongs to"
        raise PanoptesError(message, permanent=False) from None


def _not_callable(url: str, place: str) -> list[Problem]:
    """What the call would be refused for anyway, so far as that is known without a call."""
    try:
        refuse_in_itself(url)
    except RefusedAddress as problem:
        return [Problem(place, str(problem))]
    return []


def _may_use(author: Author, owner: Owner) -> bool:
    if author.is_admin:
        return True
    if "project" in owner:
        return author.may_update(owner["project"])
    return author.user_id is not None and owner["owner"] == author.user_id


def _unknown(target: Target) -> str:
    return f"there is no {_name(target)}"


def _not_permitted(target: Target) -> str:
    """Whose it is instead is not told, as that project may be private."""
    if target.option == "collection_id":
        return f"{_name(target)} belongs neither to you nor to a project that you may change"
    return f"{_name(target)} belongs to a project that you may not change"


def _name(target: Target) -> str:
    return f"{KINDS[target.option].name} {target.id}"


def _said(owners: list[Owner]) -> str:
    words = {"project": "project", "owner": "user"}
    named = [f"{words[kind]} {id}" for owner in owners for kind, id in owner.items()]
    return ", ".join(named) or "nobody known here"
