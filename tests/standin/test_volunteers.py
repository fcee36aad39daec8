"""The made-up volunteers: the shape of their events, their habits, and that seeds repeat."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caesar_web.domain.annotations import by_task
from caesar_web.standin import volunteers
from caesar_web.standin.classifications import Classifications
from caesar_web.standin.classifications import parse as parse_row
from caesar_web.standin.seed import seeded_world
from caesar_web.standin.stream_events import Event, Page, api_row
from caesar_web.standin.volunteers import classifications

MOMENT = "2026-01-01T00:00:00.000Z"
SINGLE = {"type": "single", "answers": [{"label": "Yes"}, {"label": "No"}, {"label": "Star"}]}
TEXT = {"type": "text", "instruction": "Write it down"}
SURVEY = {
    "type": "survey",
    "choicesOrder": ["LION", "ZEBRA", "HIPPO", "HUMAN", "NOTHINGHERE"],
    "choices": {
        **{name: {"label": name} for name in ("LION", "ZEBRA", "HIPPO")},
        **{name: {"label": name, "noQuestions": True} for name in ("HUMAN", "NOTHINGHERE")},
    },
    "questions": {
        "HOWMANY": {"multiple": False, "answersOrder": ["1", "2"], "answers": {"1": {}, "2": {}}},
        "DOING": {"multiple": True, "answersOrder": ["EATING"], "answers": {"EATING": {}}},
    },
    "questionsMap": {},
}
DROPDOWN = {
    "type": "dropdown",
    "selects": [
        {"id": "a", "title": "Month", "options": {"*": [{"value": "may"}, {"value": "june"}]}},
        {"id": "b", "title": "Year", "options": {"*": [{"value": 1911}, {"value": 1912}]}},
    ],
}
DRAWING = {
    "type": "drawing",
    "tools": [{"type": name} for name in ("rectangle", "circle", "point", "polygon")],
}
MULTIPLE = {"type": "multiple", "answers": [{"label": "a"}, {"label": "b"}, {"label": "c"}]}
SLIDER = {"type": "slider", "min": "0", "max": "10", "step": "1"}
LEAVES = {
    "single": SINGLE,
    "text": TEXT,
    "survey": SURVEY,
    "dropdown": DROPDOWN,
    "drawing": DRAWING,
    "multiple": MULTIPLE,
    "slider": SLIDER,
}


def page_of(tasks: dict[str, Any], *, id: int = 200) -> Page:
    dates = {"created_at": MOMENT, "updated_at": MOMENT}
    return Page(
        project={"id": "20", "display_name": "Survey", "href": "/projects/20", **dates},
        workflow={
            "id": str(id),
            "display_name": "Which?",
            "version": "45.112",
            "tasks": tasks,
            "retirement": {"criteria": "never_retire"},
            "href": f"/workflows/{id}",
            **dates,
        },
    )


def subjects_of(number: int, **metadata: Any) -> list[dict[str, Any]]:
    return [
        {
            "id": str(id),
            "metadata": {"#filename": f"{id}.jpg", **metadata},
            "locations": [{"image/jpeg": f"https://example.org/{id}.jpg"}],
            "created_at": MOMENT,
            "updated_at": MOMENT,
            "href": f"/subjects/{id}",
            "links": {"project": "20"},
        }
        for id in range(1, number + 1)
    ]


def ticking() -> Callable[[], datetime]:
    moments = (datetime(2026, 5, 1, tzinfo=UTC) + timedelta(seconds=0.2) * n for n in count())
    return lambda: next(moments)


def events_of(
    page: Page, number: int, *, subjects: list[dict[str, Any]] | None = None, seed: int = 1
) -> list[Event]:
    given = subjects_of(30) if subjects is None else subjects
    return list(islice(classifications(page, given, seed, ids=count(500), clock=ticking()), number))


SURVEY_PAGE = page_of({"T0": SURVEY, "T1": SINGLE})


def test_an_event_has_the_fields_of_the_live_stream() -> None:
    for event in events_of(SURVEY_PAGE, 300):
        check_shape(event)


def check_shape(event: Event) -> None:
    """The field table of the stream's specification."""
    assert json.loads(json.dumps(event, allow_nan=False)) == event
    assert set(event) == {"source", "type", "version", "timestamp", "data", "linked"}
    assert (event["source"], event["type"], event["version"]) == (
        *("panoptes", "classification", "1.0.0"),
    )
    data, linked = event["data"], event["linked"]
    assert set(data) == {
        *("id", "created_at", "updated_at", "user_ip", "workflow_version", "gold_standard"),
        *("expert_classifier", "annotations", "metadata", "href", "links"),
    }
    assert data["id"].isdecimal()
    assert data["href"] == f"/classifications/{data['id']}"
    created, updated = moment(data["created_at"]), moment(data["updated_at"])
    assert created <= updated
    assert datetime.strptime(event["timestamp"], "%Y-%m-%dT%H:%M:%SZ") <= created
    assert data["gold_standard"] in (True, False, None)
    assert data["expert_classifier"] in ("expert", "owner", None)
    check_metadata(data["metadata"], version=data["workflow_version"], created=created)
    assert data["annotations"]
    assert all(isinstance(one["task"], str) and "value" in one for one in data["annotations"])
    links = data["links"]
    assert set(links) == {"project", "user", "workflow", "subjects"}
    check_linked(linked, links)


def check_metadata(metadata: dict[str, Any], *, version: str, created: datetime) -> None:
    required = {"started_at", "finished_at", "user_agent", "user_language", "workflow_version"}
    usual = {
        *("session", "viewport", "utc_offset", "subject_dimensions", "source", "live_project"),
        *("user_group_ids", "seen_before", "classifier_version", "feedback"),
    }
    assert required <= set(metadata) <= required | usual
    assert metadata["workflow_version"] == version
    assert moment(metadata["started_at"]) < moment(metadata["finished_at"]) <= created
    assert isinstance(metadata["utc_offset"], str)
    assert metadata.get("seen_before", True) is True
    assert metadata.get("classifier_version", "2.0") == "2.0"


def check_linked(linked: dict[str, Any], links: dict[str, Any]) -> None:
    row = {"id", "created_at", "updated_at", "href"}
    (project,), (workflow,), (subject,) = (
        linked[kind] for kind in ("projects", "workflows", "subjects")
    )
    assert set(project) == row | {"display_name"}
    assert set(workflow) == row | {"display_name", "retirement"}
    assert set(subject) == row | {"locations", "metadata"}
    assert (project["id"], workflow["id"]) == (links["project"], links["workflow"])
    assert links["subjects"] == [subject["id"]]
    if links["user"] is None:
        assert "users" not in linked
    else:
        (user,) = linked["users"]
        assert user == {
            "id": links["user"],
            "login": volunteers.login(int(links["user"])),
            "href": f"/users/{links['user']}",
        }
        assert 1000 <= int(links["user"]) <= 1059


def moment(text: str) -> datetime:
    assert len(text) == len("2016-08-16T12:28:51.497Z")
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ")


@given(
    st.lists(st.sampled_from(sorted(LEAVES)), min_size=1, max_size=4), st.booleans(), st.integers()
)
@settings(max_examples=60, deadline=None)
def test_any_workflow_gives_events_that_the_engine_can_read(
    kinds: list[str], combo: bool, seed: int
) -> None:
    tasks: dict[str, Any] = {f"T{place}": LEAVES[kind] for place, kind in enumerate(kinds)}
    leaves = set(tasks)
    if combo:
        tasks["T9"] = {"type": "combo", "tasks": sorted(leaves)}
    for event in events_of(page_of(tasks), 20, seed=seed):
        check_shape(event)
        assert set(by_task(event["data"]["annotations"])) <= leaves


def test_the_same_seed_gives_the_same_events_and_another_gives_others() -> None:
    assert events_of(SURVEY_PAGE, 200, seed=4) == events_of(SURVEY_PAGE, 200, seed=4)
    assert events_of(SURVEY_PAGE, 200, seed=4) != events_of(SURVEY_PAGE, 200, seed=5)


def test_ids_and_times_come_from_outside_and_rise() -> None:
    events = events_of(SURVEY_PAGE, 50)
    assert [int(event["data"]["id"]) for event in events] == list(range(500, 550))
    times = [event["data"]["created_at"] for event in events]
    assert times == sorted(set(times))
    assert times[:2] == ["2026-05-01T00:00:00.000Z", "2026-05-01T00:00:00.200Z"]


def test_about_a_fifth_are_anonymous_and_some_come_back_to_a_subject() -> None:
    events = events_of(SURVEY_PAGE, 2_000, subjects=subjects_of(400))
    links = [event["data"]["links"] for event in events]
    anonymous = [link for link in links if link["user"] is None]
    assert 0.15 < len(anonymous) / len(events) < 0.25
    pairs = Counter((link["user"], link["subjects"][0]) for link in links if link["user"])
    repeats = sum(times - 1 for times in pairs.values())
    assert 20 < repeats < 100
    told = [event for event in events if "seen_before" in event["data"]["metadata"]]
    assert len(told) == repeats


def test_volunteers_have_the_names_that_the_stand_in_knows() -> None:
    world = seeded_world(classification_bound=1)
    known = {user.id: user.login for user in world.users.values()}
    for volunteer in volunteers.people().registered:
        assert volunteer.id is not None
        assert known[volunteer.id] == volunteer.login
    assert len(volunteers.people().registered) == 60


def test_subjects_gather_enough_agreeing_answers_within_minutes() -> None:
    """At five a second over seven workflows, each has a hundred in less than two and a half."""
    looks: dict[str, list[int]] = {}
    answers: dict[str, Counter[str]] = {}
    agreed_after: dict[str, int] = {}
    for place, event in enumerate(events_of(SURVEY_PAGE, 1_000, subjects=subjects_of(400))):
        data = event["data"]
        (subject,) = data["links"]["subjects"]
        looks.setdefault(subject, []).append(place)
        votes = answers.setdefault(subject, Counter())
        species = by_task(data["annotations"])["T0"][0]["value"]
        votes["+".join(sorted(one["choice"] for one in species))] += 1
        if votes.most_common(1)[0][1] == 5:
            agreed_after.setdefault(subject, place - looks[subject][0])
    left = [subject for subject, places in looks.items() if places[-1] < 900]
    assert len(left) > 30
    in_time = [subject for subject in left if agreed_after.get(subject, 999) <= 100]
    assert len(in_time) / len(left) > 0.9


def test_volunteers_differ_and_err() -> None:
    wrong: Counter[bool] = Counter()
    first: dict[str, int] = {}
    for event in events_of(page_of({"T0": SINGLE}), 2_000, subjects=subjects_of(5)):
        (subject,) = event["data"]["links"]["subjects"]
        value = event["data"]["annotations"][0]["value"]
        wrong[value != first.setdefault(subject, value)] += 1
    assert 0.05 < wrong[True] / 2_000 < 0.6
    skills = [one.skill for one in volunteers.people().registered]
    assert min(skills) < 0.7
    assert max(skills) > 0.9


def test_the_window_moves_on_from_what_is_retired() -> None:
    retired: set[str] = set()
    stream = classifications(
        SURVEY_PAGE, subjects_of(40), 1, ids=count(1), clock=ticking(), retired=retired
    )
    shown = [subject_of(event) for event in islice(stream, 30)]
    assert len(set(shown)) <= 2 * volunteers.WINDOW
    retired.update(shown)
    after = [subject_of(event) for event in islice(stream, 30)]
    assert set(after).isdisjoint(retired)


def test_the_stream_goes_on_when_everything_is_retired() -> None:
    subjects = subjects_of(7)
    every = {subject["id"] for subject in subjects}
    stream = classifications(SURVEY_PAGE, subjects, 1, ids=count(1), clock=ticking(), retired=every)
    assert {subject_of(event) for event in islice(stream, 200)} == every


@pytest.mark.parametrize("number", [1, 2, 3])
def test_few_subjects_are_enough(number: int) -> None:
    events = events_of(SURVEY_PAGE, 150, subjects=subjects_of(number))
    assert {subject_of(event) for event in events} == {str(id + 1) for id in range(number)}


def test_subjects_that_are_added_come_up() -> None:
    subjects = subjects_of(2)
    stream = classifications(SURVEY_PAGE, subjects, 1, ids=count(1), clock=ticking())
    next(stream)
    subjects += subjects_of(4)[2:]
    assert {subject_of(event) for event in islice(stream, 200)} == {"1", "2", "3", "4"}


def subject_of(event: Event) -> str:
    (subject,) = event["data"]["links"]["subjects"]
    return str(subject)


def test_training_subjects_come_between_and_tell_whether_one_was_right() -> None:
    known = {"#training_subject": "True", "#feedback_1_id": "g", "#feedback_1_answer": "2"}
    subjects = subjects_of(30) + [
        {**subject, "id": f"90{subject['id']}"} for subject in subjects_of(4, **known)
    ]
    told: Counter[bool] = Counter()
    for event in events_of(page_of({"T0": SINGLE}), 1_000, subjects=subjects):
        is_training = subject_of(event).startswith("90")
        assert ("feedback" in event["data"]["metadata"]) == is_training
        if is_training:
            (feedback,) = event["data"]["metadata"]["feedback"]["T0"]
            assert feedback["success"] == (event["data"]["annotations"][0]["value"] == 2)
            told[feedback["success"]] += 1
    assert 100 < told.total() < 220
    assert told[True] > 2 * told[False] > 0


def test_a_survey_has_nothing_here_people_and_pairs_and_asks_no_more_of_nothing() -> None:
    seen: Counter[str] = Counter()
    for event in events_of(SURVEY_PAGE, 2_000, subjects=subjects_of(400)):
        tasks = by_task(event["data"]["annotations"])
        choices = [one["choice"] for one in tasks["T0"][0]["value"]]
        seen["+".join(choices) if len(choices) == 1 else "pair"] += 1
        assert ("T1" in tasks) == (choices != ["NOTHINGHERE"])
        for one in tasks["T0"][0]["value"]:
            is_animal = one["choice"] not in ("NOTHINGHERE", "HUMAN")
            assert set(one["answers"]) == ({"HOWMANY", "DOING"} if is_animal else set())
    assert all(seen[name] > 20 for name in ("LION", "HUMAN", "NOTHINGHERE", "pair"))


def test_some_old_pages_send_a_combo_task_or_an_older_version() -> None:
    events = events_of(SURVEY_PAGE, 2_000)
    combos = [event for event in events if event["data"]["annotations"][0]["task"] == "T2"]
    assert 3 < len(combos) < 100
    for event in combos:
        assert set(by_task(event["data"]["annotations"])) == {"T0", "T1"}
    versions = Counter(event["data"]["workflow_version"] for event in events)
    assert set(versions) == {"45.112", "44.112"}
    assert versions["44.112"] < 100


def test_marks_are_written_as_each_tool_writes_them() -> None:
    every = {"tool", "frame", "details"}
    own = [{"x", "y", "width", "height"}, {"x", "y", "r"}, {"x", "y"}, {"points", "closed"}]
    drawn = Counter[int]()
    for event in events_of(page_of({"T0": DRAWING}), 200):
        (annotation,) = event["data"]["annotations"]
        assert set(annotation) == {"task", "value"}  # as the old page sends it
        for mark in annotation["value"]:
            assert set(mark) == every | own[mark["tool"]]
            assert (mark["frame"], mark["details"]) == (0, [])
            assert all(set(point) == {"x", "y"} for point in mark.get("points", ()))
            drawn[mark["tool"]] += 1
    assert set(drawn) == {0, 1, 2, 3}


def test_a_combo_task_holds_its_tasks_on_the_old_page_and_is_a_step_of_the_new_one() -> None:
    tasks = {"T0": SINGLE, "T1": SLIDER, "T2": {"type": "combo", "tasks": ["T0", "T1"]}}
    pages = Counter[bool]()
    for event in events_of(page_of(tasks), 200):
        annotations = event["data"]["annotations"]
        is_new = "classifier_version" in event["data"]["metadata"]
        pages[is_new] += 1
        if is_new:
            told = [(one["task"], one["taskType"]) for one in annotations]
            assert told == [("T0", "single"), ("T1", "slider")]
        else:
            ((task, value),) = [(one["task"], one["value"]) for one in annotations]
            assert (task, [one["task"] for one in value]) == ("T2", ["T0", "T1"])
    assert min(pages[True], pages[False]) > 20


def test_a_dropdown_gives_one_annotation_for_each_selection() -> None:
    for event in events_of(page_of({"T0": DROPDOWN}), 20):
        month, year = by_task(event["data"]["annotations"])["T0"]
        assert month["value"] in ("may", "june")
        assert year["value"] in (1911, 1912)
        assert month["option"] is True


def test_the_api_row_is_what_the_stand_in_keeps_and_shows() -> None:
    events = events_of(SURVEY_PAGE, 20)
    kept = Classifications()
    assert kept.add([api_row(event) for event in events]) == 20
    for event in events:
        row = api_row(event)
        assert set(row) == {
            *("id", "annotations", "created_at", "updated_at", "metadata", "href", "links"),
        }
        assert parse_row(row).as_json() == row


def test_a_workflow_without_subjects_or_tasks_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="workflow 200 has no subjects"):
        stream_of(SURVEY_PAGE, [])
    with pytest.raises(ValueError, match="workflow 7 has no task"):
        stream_of(page_of({}, id=7), subjects_of(3))


def stream_of(page: Page, subjects: list[dict[str, Any]]) -> Iterator[Event]:
    return classifications(page, subjects, 1, ids=count(1), clock=ticking())
