"""What there is to mark on a subject, and what volunteers draw of it, for drawing tasks."""

import math
from collections.abc import Callable, Mapping, Sequence
from random import Random
from statistics import fmean
from typing import Any

Task = Mapping[str, Any]
Mark = Mapping[str, Any]
Place = tuple[float, float]

WIDTH, HEIGHT = 640, 480  # of the pictures
MARGIN = 100
APART = 130  # so that nobody takes one thing for the other
TRIES = 50
CORNERS = 7
HOW_MANY, HOW_OFTEN = (0, 1, 2, 3), (2, 5, 2, 1)


def there(task: Task, random: Random) -> list[Mark]:
    """The marks that a flawless volunteer would draw, each apart from the others."""
    marks: list[Mark] = []
    for _ in range(random.choices(HOW_MANY, HOW_OFTEN)[0]):
        marks.append(_mark(task, random, beside=marks))
    return marks


def mistaken(task: Task, marks: Sequence[Mark], random: Random) -> list[Mark]:
    """Overlooks a mark, or draws one where nothing is."""
    if marks and random.random() < 0.6:
        return [*marks[1:]]
    return [*marks, _mark(task, random, beside=marks)]


def by_hand(value: Any, random: Random, *, spread: float) -> Any:
    """A mark, or what is in it, as an unsteady hand draws it: no number is quite the true one."""
    match value:
        case float():
            return round(value + random.gauss(0, spread), 1)
        case dict():
            return {name: by_hand(one, random, spread=spread) for name, one in value.items()}
        case list():
            return [by_hand(one, random, spread=spread) for one in value]
        case _:
            return value


def middle(mark: Mark) -> Place:
    """Where the thing is that is marked."""
    if points := mark.get("points"):
        return fmean(point["x"] for point in points), fmean(point["y"] for point in points)
    return mark["x"] + mark.get("width", 0) / 2, mark["y"] + mark.get("height", 0) / 2


def _mark(task: Task, random: Random, *, beside: Sequence[Mark]) -> Mark:
    tool = random.randrange(len(task["tools"]))
    shape = SHAPES.get(task["tools"][tool].get("type"), _point)
    place = _free([middle(mark) for mark in beside], random)
    return {"tool": tool, "frame": 0, "details": [], **shape(place, random)}


def _free(taken: Sequence[Place], random: Random) -> Place:
    """A place apart from those that are taken, or any where the picture is full."""
    place = _anywhere(random)
    for _ in range(TRIES):
        if all(math.dist(place, other) >= APART for other in taken):
            break
        place = _anywhere(random)
    return place


def _anywhere(random: Random) -> Place:
    return random.uniform(MARGIN, WIDTH - MARGIN), random.uniform(MARGIN, HEIGHT - MARGIN)


def _point(place: Place, random: Random) -> dict[str, Any]:
    del random
    return _at(*place)


def _circle(place: Place, random: Random) -> dict[str, Any]:
    return {**_at(*place), "r": round(random.uniform(15, 70), 1)}


def _rectangle(place: Place, random: Random) -> dict[str, Any]:
    """Panoptes writes the corner with the smallest coordinates."""
    width, height = random.uniform(50, 160), random.uniform(40, 140)
    corner = _at(place[0] - width / 2, place[1] - height / 2)
    return {**corner, "width": round(width, 1), "height": round(height, 1)}


def _turned_rectangle(place: Place, random: Random) -> dict[str, Any]:
    return {**_rectangle(place, random), "angle": round(random.uniform(-60, 60), 1)}


def _polygon(place: Place, random: Random) -> dict[str, Any]:
    """Corners all around the middle, nearer and farther."""
    size = random.uniform(50, 80)
    points = []
    for corner in range(CORNERS):
        angle, away = 2 * math.pi * corner / CORNERS, size * random.uniform(0.75, 1.2)
        points.append(_at(place[0] + away * math.cos(angle), place[1] + away * math.sin(angle)))
    return {"points": points, "closed": True}


def _at(x: float, y: float) -> dict[str, Any]:
    return {"x": round(x, 1), "y": round(y, 1)}


SHAPES: Mapping[str, Callable[[Place, Random], dict[str, Any]]] = {
    "point": _point,
    "circle": _circle,
    "rectangle": _rectangle,
    "rotateRectangle": _turned_rectangle,
    "polygon": _polygon,
}
