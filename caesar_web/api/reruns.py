"""Extracting or reducing again, as clients ask for it together with a change of settings."""

from collections.abc import Mapping
from typing import Any

from caesar_web.access import running
from caesar_web.domain.options import Unreadable, choice
from caesar_web.pipeline import run_orders
from caesar_web.pipeline.run_orders import Scope
from caesar_web.store.snapshot import Reducible

ORDERS = {"extractors": ("reextract", Scope()), "reducers": ("rereduce", Scope(check="last"))}
OF_WORKFLOWS, OF_PROJECTS = ("extractors", "reducers"), ("reducers",)


def asked_for(body: Mapping[str, Any], known: tuple[str, ...]) -> str | None:
    """What is to be done again, if anything. Raises Unreadable."""
    given = body.get("rerun")
    try:
        return None if given is None else str(choice(*known)(given))
    except Unreadable as problem:
        raise Unreadable(f"rerun {problem}") from None


def start(what: str, reducible: Reducible) -> None:
    """Starts the run that does it, or leaves it to the one that does it already."""
    kind, scope = ORDERS[what]
    # What rules decide then is done, as clients have always known it.
    running.start(run_orders.order(kind, reducible, scope, acts=True))
