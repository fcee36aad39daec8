"""The subjects of the seeded projects: made up, and the same each time."""

import random

from caesar_web.standin.world import JSON, Subject

TRAINING_EVERY = 8
TRAINING_FLAGS: tuple[object, ...] = (True, "true", "True")
GALAXY_ANSWERS = ("Yes, a galaxy", "No, a star", "No, an artefact")


def drawn(subject_id: int) -> list[dict[str, str]]:
    """The picture that the stand-in draws of a subject."""
    return [{"image/svg+xml": f"/media/{subject_id}.svg"}]


def _written(subject_id: int) -> list[dict[str, str]]:
    """The picture of a page, and its text."""
    return [*drawn(subject_id), {"text/plain": f"/media/{subject_id}.txt"}]


def plain(first_id: int, count: int, *, project_id: int) -> list[Subject]:
    """With nothing but a name, for tests that want many."""
    ids = range(first_id, first_id + count)
    return [Subject(id, project_id, {"#filename": f"{id}.jpg"}, drawn(id)) for id in ids]


def galaxies(first_id: int, count: int) -> list[Subject]:
    """Sky cutouts; every eighth is a training subject whose right answer is known."""
    chance = random.Random(first_id)
    subjects = []
    for number in range(count):
        subject_id = first_id + number
        metadata = _pointing(f"cutout-{subject_id}.jpg", chance)
        metadata["magnitude"] = f"{chance.uniform(14, 19):.2f}"
        if number % TRAINING_EVERY == 0:
            flag = TRAINING_FLAGS[number // TRAINING_EVERY % len(TRAINING_FLAGS)]
            metadata |= _training(chance.choice((0, 0, 1, 2)), flag)
        subjects.append(Subject(subject_id, 10, metadata, drawn(subject_id)))
    return subjects


def deep_fields(first_id: int, count: int) -> list[Subject]:
    """Wide pictures of the sky, with much on each of them."""
    chance = random.Random(first_id)
    ids = range(first_id, first_id + count)
    return [Subject(id, 10, _pointing(f"field-{id}.jpg", chance), drawn(id)) for id in ids]


def _pointing(name: str, chance: random.Random) -> JSON:
    return {
        "#filename": name,
        "ra": f"{chance.uniform(0, 360):.5f}",
        "dec": f"{chance.uniform(-30, 60):.5f}",
    }


def _training(answer: int, flag: object) -> JSON:
    return {
        "#training_subject": flag,
        "#feedback_1_id": "galaxy",
        "#feedback_1_answer": str(answer),
        "#feedback_1_successMessage": f"Right: {GALAXY_ANSWERS[answer]}.",
        "#feedback_1_failureMessage": f"Experts say: {GALAXY_ANSWERS[answer]}.",
    }


def camera_trap(first_id: int, count: int) -> list[Subject]:
    """Photographs of a season, by site and camera, in the order in which they were taken."""
    chance = random.Random(first_id)
    subjects = []
    for number in range(count):
        site = chance.choice(("A03", "B07", "C11", "D02", "E05", "F09"))
        day = f"2025-{6 + number * 3 // count:02}-{1 + number % 28:02}"
        time = f"{chance.randrange(24):02}:{chance.randrange(60):02}"
        name = f"{site}-{day}-{time.replace(':', '')}-{first_id + number}.jpg"
        metadata: JSON = {
            "#filename": name,
            "site": site,
            "camera": f"{site}-{chance.choice('ab')}",
            "date": day,
            "time": time,
            "season": "4",
        }
        subject_id = first_id + number
        subjects.append(Subject(subject_id, 20, metadata, drawn(subject_id)))
    return subjects


def minutes(first_id: int, count: int) -> list[Subject]:
    """Pages of three volumes of a council's minutes."""
    chance = random.Random(first_id)
    subjects = []
    for number in range(count):
        year, page = 1911 + number * 3 // count, number + 1
        name = f"minutes-{year}-{page:03}.jpg"
        metadata: JSON = {
            "#filename": name,
            "volume": f"Council minutes {year}",
            "page": str(page),
            "clerk": chance.choice(("J. Hartley", "M. Osei", "R. Quill")),
            "lines": str(chance.randrange(12, 38)),
        }
        subject_id = first_id + number
        subjects.append(Subject(subject_id, 30, metadata, _written(subject_id)))
    return subjects
