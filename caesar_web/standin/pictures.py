"""Pictures of the seeded subjects: plain shapes, drawn from a subject's id, always the same.

What volunteers are to mark on a subject is in its picture, and white.
"""

from collections.abc import Iterable, Iterator
from random import Random

from flask import Blueprint, Response

from caesar_web.standin.answers import truths
from caesar_web.standin.envelope import not_found
from caesar_web.standin.marks import HEIGHT, WIDTH, Mark, middle
from caesar_web.standin.state import locked_world
from caesar_web.standin.volunteers import nature_of
from caesar_web.standin.world import World

SHAPES = 7
POINT = 8  # how wide a thing is that is marked with a point

blueprint = Blueprint("pictures", __name__, url_prefix="/media")


@blueprint.get("/<int:subject_id>.svg")
def picture(subject_id: int) -> Response:
    """Open to everybody, as media of Panoptes are, also those of private projects."""
    with locked_world() as world:
        if subject_id not in world.subjects:
            raise not_found("subject", subject_id)
        things = [*_to_mark(world, subject_id)]
    return Response(drawing(subject_id, things), mimetype="image/svg+xml")


def drawing(subject_id: int, things: Iterable[Mark] = ()) -> str:
    """Ellipses before a dark ground and things before them, with the id beneath."""
    random = Random(subject_id)
    hue = random.randrange(360)
    shapes = "".join(_ellipse(random, hue) for _ in range(SHAPES))
    shapes += "".join(map(_thing, things))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
        f' width="{WIDTH}" height="{HEIGHT}">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="hsl({hue} 30% 15%)"/>{shapes}'
        f'<text x="20" y="{HEIGHT - 20}" font-family="sans-serif" font-size="24"'
        f' fill="white">Subject {subject_id}</text></svg>'
    )


def _ellipse(random: Random, hue: int) -> str:
    x, y = random.randrange(WIDTH), random.randrange(HEIGHT)
    wide, high = random.randrange(20, 160), random.randrange(10, 80)
    tint = (hue + random.randrange(-40, 40)) % 360
    return (
        f'<ellipse cx="{x}" cy="{y}" rx="{wide}" ry="{high}" fill="hsl({tint} 60% 60%)"'
        f' fill-opacity="0.6" transform="rotate({random.randrange(180)} {x} {y})"/>'
    )


def _to_mark(world: World, subject_id: int) -> Iterator[Mark]:
    """The marks that are right, in all workflows that ask for some of this subject."""
    metadata = world.subjects[subject_id].metadata
    for workflow in world.workflows.values():
        drawings = [key for key, task in workflow.tasks.items() if task["type"] == "drawing"]
        if drawings and subject_id in world.subjects_of_workflow(workflow.id):
            right = truths(workflow.tasks, metadata, nature_of(workflow.id, subject_id))
            yield from (mark for key in drawings for mark in right[key])


def _thing(mark: Mark) -> str:
    if "points" in mark:
        corners = " ".join(f"{point['x']},{point['y']}" for point in mark["points"])
        return f'<polygon points="{corners}" fill="white" fill-opacity="0.7"/>'
    x, y = middle(mark)
    wide, high = mark.get("width", POINT) / 2, mark.get("height", POINT) / 2
    return (
        f'<ellipse cx="{x:.1f}" cy="{y:.1f}" rx="{wide:.1f}" ry="{high:.1f}" fill="white"'
        ' fill-opacity="0.9"/>'
    )
