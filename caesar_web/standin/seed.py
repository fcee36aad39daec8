"""The world that the stand-in begins with: five people, three projects at work, and volunteers."""

from dataclasses import replace

from caesar_web.standin.classifications import Classifications
from caesar_web.standin.seed_subjects import camera_trap, deep_fields, drawn, galaxies, minutes
from caesar_web.standin.seed_tasks import (
    BOXES,
    GALAXY,
    LEAF,
    MINUTES,
    OUTLINES,
    SHAPE,
    STARS,
    SURVEY,
)
from caesar_web.standin.world import (
    JSON,
    Collection,
    Preference,
    Project,
    Subject,
    SubjectSet,
    User,
    Workflow,
    World,
)

ROOT, ALICE, BOB, CAROL, DAVE = 1, 2, 3, 4, 5
VOLUNTEERS = range(1000, 1060)
PRACTICE_PROJECTS = range(1001, 1025)
RETIREMENT = {"criteria": "classification_count", "options": {"count": 15}}

PEOPLE = (
    User(
        *(ROOT, "root", "Root", True, "Platform administrator: may see and change everything."),
        role="administrator",
    ),
    User(
        *(ALICE, "alice", "Alice", False),
        "Owns Galaxy Demo and two dozen practice projects, and collaborates on the camera survey.",
        role="owner",
    ),
    User(
        *(BOB, "bob", "Bob", False),
        "A volunteer without a role in any project: may configure none.",
        role="stranger",
    ),
    User(
        *(CAROL, "carol", "Carol", False),
        "Tester of Galaxy Demo, a role that grants nothing here.",
        role="tester",
    ),
    User(
        *(DAVE, "dave", "Dave", False),
        "Collaborator on the private project Council Minutes, and on nothing else.",
        role="collaborator",
    ),
)
# Nobody logs in as these: a project of alice's or root's would hide a forgotten `admin`.
INSTITUTIONS = (
    User(900, "savanna-watch", "Savanna Watch"),
    User(901, "city-archive", "City Archive"),
)
ADJECTIVES = (
    "amber",
    "brisk",
    "calm",
    "dusky",
    "eager",
    "fleet",
    "gentle",
    "hazel",
    "ivory",
    "jolly",
)
ANIMALS = ("badger", "curlew", "heron", "lynx", "otter", "wren")


def seeded_world(*, classification_bound: int) -> World:
    """A fresh world; the same each time."""
    world = World(Classifications(classification_bound))
    for user in (*PEOPLE, *INSTITUTIONS, *_volunteers()):
        world.users[user.id] = replace(user)
    _add_projects(world)
    _add_workflows(world)
    _add_subjects(world)
    _add_collections(world)
    _add_preferences(world)
    return world


def _volunteers() -> list[User]:
    names = [f"{adjective}-{animal}" for adjective in ADJECTIVES for animal in ANIMALS]
    return [
        User(user_id, name, name.replace("-", " ").title())
        for user_id, name in zip(VOLUNTEERS, names, strict=True)
    ]


def _add_projects(world: World) -> None:
    owner, collaborator, tester = {"owner"}, {"collaborator"}, {"tester"}
    rows = [
        Project(10, "Galaxy Demo", "alice/galaxy-demo", ALICE, roles={CAROL: tester}),
        Project(
            20, "Camera Survey", "savanna-watch/camera-survey", 900, roles={ALICE: collaborator}
        ),
        Project(30, "Council Minutes", "city-archive/minutes", 901, True, {DAVE: collaborator}),
    ]
    for project_id in PRACTICE_PROJECTS:
        number = project_id - 1000
        rows.append(Project(project_id, f"Practice {number}", f"alice/practice-{number}", ALICE))
    for project in rows:
        project.roles = {**project.roles, project.owner_id: set(owner)}
        world.projects[project.id] = project


def _add_workflows(world: World) -> None:
    never = {"criteria": "never_retire", "options": {}}
    for workflow in (
        Workflow(100, 10, "Is it a galaxy?", "12.10", GALAXY, {"level": "1"}, RETIREMENT),
        Workflow(101, 10, "What shape is it?", "7.3", SHAPE, {"level": "2"}, RETIREMENT),
        Workflow(102, 10, "What is in front?", "2.4", STARS, {}, never),
        Workflow(103, 10, "How far does it reach?", "2.9", OUTLINES, {}, never),
        Workflow(200, 20, "Which animals are here?", "45.112", SURVEY, {}, never),
        Workflow(201, 20, "Where are the animals?", "5.31", BOXES, {}, never),
        Workflow(300, 30, "Transcribe a page", "3.8", MINUTES, {}, never),
        Workflow(301, 30, "What page is this?", "2.2", LEAF, {}, never),
    ):
        world.workflows[workflow.id] = workflow


def _add_subjects(world: World) -> None:
    for subject_set in (
        SubjectSet(7, 10, "Set A", [100]),
        SubjectSet(8, 30, "Council minutes 1911 to 1913", [300, 301]),
        SubjectSet(11, 10, "Hard cases", [101]),
        SubjectSet(13, 10, "Deep fields", [102, 103]),
        SubjectSet(21, 20, "Season 4", [200, 201]),
        SubjectSet(22, 20, "Needs expert", []),
        SubjectSet(23, 20, "Lions", []),
    ):
        world.subject_sets[subject_set.id] = subject_set
    plain = Subject(70, 10, {"#filename": "a.jpg"}, drawn(70))
    _fill(world, 7, [plain, *galaxies(1001, 199)])
    _fill(world, 11, galaxies(1201, 40))
    _fill(world, 13, deep_fields(1301, 200))
    _fill(world, 21, camera_trap(2001, 200))
    _fill(world, 8, minutes(3001, 200))


def _fill(world: World, set_id: int, subjects: list[Subject]) -> None:
    for subject in subjects:
        world.subjects[subject.id] = subject
        world.subject_sets[set_id].subject_ids[subject.id] = None


def _add_collections(world: World) -> None:
    for collection in (
        Collection(5, "Keepers", "alice/keepers", ALICE, [10], {}, {70: None}),
        Collection(6, "Loose ends", "alice/loose-ends", ALICE, [], {}),
        Collection(9, "Odd finds", "dave/odd-finds", DAVE, [30, 10], {ALICE: {"contributor"}}),
        Collection(12, "Best portraits", "alice/best-portraits", ALICE, [20], {}),
    ):
        collection.roles = {**collection.roles, collection.owner_id: {"owner"}}
        world.collections[collection.id] = collection


def _add_preferences(world: World) -> None:
    first: JSON = {"workflow_id": "100", "designator": {"subject_set_chances": {}}}
    rows: list[tuple[int, int, JSON]] = [
        (BOB, 10, first),
        (CAROL, 10, {}),
        (ALICE, 10, {"workflow_id": "101"}),
        (BOB, 20, {"workflow_id": "200"}),
    ]  # dave has none
    for user_id in VOLUNTEERS:
        rows += [(user_id, 10 * number, {"workflow_id": f"{number}00"}) for number in (1, 2, 3)]
    for preference_id, (user_id, project_id, settings) in enumerate(rows, start=900):
        world.preferences[preference_id] = Preference(preference_id, user_id, project_id, settings)
