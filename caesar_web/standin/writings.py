"""Texts of the seeded subjects: what a machine read on a page, made up and always the same."""

from random import Random

from flask import Blueprint, Response

from caesar_web.standin.envelope import not_found
from caesar_web.standin.state import locked_world

LINES = 12
SPEAKERS = ("Ald. Byrne", "Cllr. Okafor", "The Mayor", "Mrs. Lindqvist", "The Clerk")
DEEDS = ("moved", "seconded", "opposed", "asked leave to withdraw", "reported upon")
MATTERS = (
    "the widening of Mill Lane",
    "the <lamps> in Quay Street",
    "the Waterworks & Sewers account",
    "the tenders for the new market",
    "a petition of the tram drivers",
)

blueprint = Blueprint("writings", __name__, url_prefix="/media")


@blueprint.get("/<int:subject_id>.txt")
def text(subject_id: int) -> Response:
    """Open to everybody, as media of Panoptes are, also those of private projects."""
    with locked_world() as world:
        if subject_id not in world.subjects:
            raise not_found("subject", subject_id)
    return Response(writing(subject_id), mimetype="text/plain")


def writing(subject_id: int) -> str:
    """Some lines of a council's minutes."""
    random = Random(subject_id)
    lines = (
        f"{random.choice(SPEAKERS)} {random.choice(DEEDS)} {random.choice(MATTERS)}."
        for _ in range(LINES)
    )
    return f"Page {subject_id}, as a machine has read it.\n\n" + "\n".join(lines) + "\n"
