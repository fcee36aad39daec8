"""Pictures of the seeded subjects: plain shapes, drawn from a subject's id, always the same."""

from random import Random

from flask import Blueprint, Response

from caesar_web.standin.envelope import not_found
from caesar_web.standin.state import locked_world

WIDTH, HEIGHT = 640, 480
SHAPES = 7

blueprint = Blueprint("pictures", __name__, url_prefix="/media")


@blueprint.get("/<int:subject_id>.svg")
def picture(subject_id: int) -> Response:
    """Open to everybody, as media of Panoptes are, also those of private projects."""
    with locked_world() as world:
        if subject_id not in world.subjects:
            raise not_found("subject", subject_id)
    return Response(drawing(subject_id), mimetype="image/svg+xml")


def drawing(subject_id: int) -> str:
    """Ellipses before a dark ground, with the id beneath."""
    random = Random(subject_id)
    hue = random.randrange(360)
    shapes = "".join(_ellipse(random, hue) for _ in range(SHAPES))
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
