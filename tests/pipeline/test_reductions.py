"""What reductions hold after what has come in, in both modes, for subjects, users and projects."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from caesar_web.domain import reducers
from caesar_web.domain.classification import Group
from caesar_web.domain.folds import Options, Reduced
from caesar_web.domain.reducers import ReducerType
from caesar_web.pipeline.processing import take_turn
from caesar_web.store import configuration
from caesar_web.store.activity import SubjectAction, UserAction
from caesar_web.store.configuration import Project, SubjectRule, Workflow
from caesar_web.store.db import db
from caesar_web.store.results import (
    Extract,
    ExtractSubjectReduction,
    SubjectReduction,
    UserReduction,
)
from tests.factories import JSON, START, copied, give, make_event, make_workflow
from tests.pipeline.reading import by_first, light, rows, values
from tests.pipeline.steps import LIMITS, process, receive

RUNNING: JSON = {"reduction_mode": "running_reduction"}
BY_USER: JSON = {"topic": "reduce_by_user"}
COUNT: JSON = {"type": "count"}
STATS: JSON = {"type": "stats"}
SURVEY: JSON = {"type": "survey", "if_missing": "ignore"}
PLACE: JSON = {"type": "pluck_field", "field_map": {"name": "$.metadata.place"}}
BY_PLACE: JSON = {"grouping": {"field_name": "place.name"}, "filters": {"extractor_keys": "survey"}}
RETIRE: JSON = {"action": "retire_subject", "reason": "other"}

Configure = Callable[..., None]


@pytest.fixture
def configure(app: Flask) -> Configure:
    """Gives workflow 100 these reducers, and rules; makes it the first time."""

    def configure(reducers: JSON, **document: Any) -> None:
        wanted: JSON = {
            "extractors_config": {"survey": SURVEY},
            "reducers_config": reducers,
            **document,
        }
        with db.session.begin():
            workflow = db.session.get(Workflow, 100)
            if workflow is None:
                make_workflow(db.session(), **wanted)
            else:
                give(db.session(), workflow, wanted)
        db.session.remove()

    return configure


def classify(*events: JSON) -> None:
    receive(events)
    process()


def lion(id: int, **over: Any) -> JSON:
    return make_event(id, choice="lion", **over)


def visit(id: int, place: str, choice: str | None = "lion", **over: Any) -> JSON:
    return make_event(id, choice=choice, metadata={"place": place}, **over)


def data(key: str | None = None, table: Any = SubjectReduction) -> Any:
    """Data by subgroup, or of the only one."""
    where = True if key is None else table.reducer_key == key
    found = by_first(table.subgroup, table.data, where=where)
    return found["_default"] if list(found) == ["_default"] else found


def test_a_running_reduction_counts_a_redelivered_one_once(configure: Configure) -> None:
    configure({"seen": STATS | RUNNING})
    for _ in range(2):
        for id in (1, 2, 3):
            classify(copied(lion(id)))
    assert data() == {"lion": 3}
    assert len(values(ExtractSubjectReduction.extract_id)) == 3


def test_a_running_reduction_counts_a_changed_one_once(configure: Configure) -> None:
    configure({"seen": STATS | RUNNING})
    classify(lion(1), lion(2))
    classify(make_event(1, choice="zebra", changed=1), lion(3))
    assert data() == {"lion": 3}


def test_a_running_reduction_counts_one_that_gave_nothing_for_a_while_once(
    configure: Configure,
) -> None:
    reject = {"type": "question", "if_missing": "reject"}
    configure({"seen": COUNT | RUNNING}, extractors_config={"answer": reject})
    classify(make_event(1), make_event(2))
    classify(make_event(2, annotations=[], changed=1))
    assert values(Extract.classification_id) == [1]
    classify(make_event(3))  # its extract must not pass for the one that was removed
    classify(make_event(3, changed=1), make_event(2, changed=2))
    assert data() == {"classifications": 3, "extracts": 3}


def test_a_crash_after_the_writes_of_a_turn_undoes_all_of_it(configure: Configure) -> None:
    configure(
        {"seen": STATS | RUNNING, "of_user": COUNT | RUNNING | BY_USER},
        rules_config=[{"if": ["const", True], "then": [RETIRE]}],
    )
    classify(lion(1, user=3))
    receive([lion(2, user=3, subject=2), lion(3, user=4)])

    def crash() -> None:
        with db.session.begin():
            turn = take_turn(db.session(), 100, first_lane=0, limits=LIMITS, now=datetime.now(UTC))
            assert turn.processed == 2
            raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        crash()
    db.session.remove()
    seen = SubjectReduction.reducer_key == "seen"
    assert values(SubjectReduction.data, seen) == [{"lion": 1}]
    assert process() == 2
    assert values(SubjectReduction.data, seen, SubjectReduction.subject_id) == [
        {"lion": 2},
        {"lion": 1},
    ]
    counts = rows(UserReduction.user_id, UserReduction.data)
    assert [(user, count["extracts"]) for user, count in counts] == [(3, 2), (4, 1)]
    assert len(values(SubjectAction.id)) == 2
    assert rows(Workflow.extracts_count, Workflow.user_reductions_count) == [(3, 2)]


def test_keep_first_holds_in_running_mode_across_turns(configure: Configure) -> None:
    configure(
        {
            "first": STATS | RUNNING,
            "all": STATS | RUNNING | {"filters": {"repeated_classifications": "keep_all"}},
            "of_user": STATS | RUNNING | BY_USER,
        }
    )
    for event in (
        lion(1, user=3),
        lion(2, user=3),
        lion(3, user=3, subject=2),
        lion(4),
        lion(5),
        lion(6, user=3),
    ):
        classify(event)
    assert rows(
        SubjectReduction.subject_id,
        SubjectReduction.reducer_key,
        SubjectReduction.data,
        by=(SubjectReduction.subject_id, SubjectReduction.reducer_key),
    ) == [
        (1, "all", {"lion": 5}),
        (1, "first", {"lion": 3}),
        (2, "all", {"lion": 1}),
        (2, "first", {"lion": 1}),
    ]
    assert data("of_user", UserReduction) == {"lion": 2}


def test_keep_first_holds_for_a_subgroup_that_was_empty_so_far(configure: Configure) -> None:
    places = {"default": STATS | BY_PLACE, "running": STATS | BY_PLACE | RUNNING}
    configure(places, extractors_config={"survey": SURVEY, "place": PLACE})
    classify(visit(1, "south", user=4))
    classify(visit(2, "north", None, user=3))  # data {}: no row
    classify(visit(3, "north", user=3))  # a repeat
    assert data("running") == data("default") == {"south": {"lion": 1}}
    classify(visit(4, "north", user=5))
    assert data("running") == data("default") == {"south": {"lion": 1}, "north": {"lion": 1}}


def test_a_running_reducer_added_later_counts_what_came_before_once(
    configure: Configure,
) -> None:
    configure({"early": STATS})
    classify(lion(1), lion(2))
    configure({"early": STATS, "late": STATS | RUNNING})
    for id in (3, 4):
        classify(lion(id))
        assert data("late") == {"lion": id}
    classify(lion(1, changed=1))
    assert data("late") == data("early") == {"lion": 4}


def test_reducers_of_a_project_see_all_its_workflows(configure: Configure) -> None:
    moments = {"created_at": START, "updated_at": START}
    with db.session.begin():
        db.session.add(Project(id=10, **moments))
        for key, mode, topic in (
            ("all", "default_reduction", "reduce_by_subject"),
            ("running", "running_reduction", "reduce_by_subject"),
            ("of_user", "default_reduction", "reduce_by_user"),
        ):
            reducer = configuration.Reducer(
                reducible_type="Project", reducible_id=10, key=key, type="stats", topic=topic
            )
            reducer.reduction_mode = mode
            reducer.config, reducer.filters, reducer.grouping = {}, {}, {}
            reducer.created_at = reducer.updated_at = START
            db.session.add(reducer)
        for id, project_id in ((101, 10), (200, 20)):
            make_workflow(
                db.session(), id, project_id=project_id, extractors_config={"survey": SURVEY}
            )
    configure({"own": STATS})
    for event in (
        lion(1, user=3),
        lion(2, workflow=101, user=4),
        lion(3, workflow=200, project=20, user=3),
        lion(4, user=5),
    ):
        receive([event])
        for workflow_id in (100, 101, 200):
            process(workflow_id)
    found = rows(
        SubjectReduction.reducible_type,
        SubjectReduction.reducer_key,
        SubjectReduction.reducible_id,
        SubjectReduction.data,
        by=SubjectReduction.reducer_key,
    )
    assert found == [
        ("Project", "all", 10, {"lion": 3}),
        ("Workflow", "own", 100, {"lion": 2}),
        ("Project", "running", 10, {"lion": 3}),
    ]
    assert values(UserReduction.data) == [{"lion": 1}] * 3
    assert rows(Project.subject_reductions_count, Project.user_reductions_count) == [(2, 3)]


@pytest.mark.parametrize("key", ["previous_subject_ids", "#previous_subject_ids"])
@pytest.mark.parametrize("as_text", [False, True])
def test_previous_subjects_count_once_each(configure: Configure, key: str, as_text: bool) -> None:
    configure({"seen": STATS})
    classify(lion(1, subject=70), lion(2, subject=71), lion(3, subject=72))
    ids = '[70, "71", 70, 1]' if as_text else [70, "71", 70, 1]  # itself, and one twice
    classify(lion(4, subject=1, subject_metadata={key: ids}))
    classify(lion(5, subject=1))
    assert values(SubjectReduction.data, SubjectReduction.subject_id == 1) == [{"lion": 4}]


@pytest.mark.parametrize("ids", ["not a list", "[" * 100_000, {"a": 1}, 5, [None, "x", 1.5, -1]])
def test_odd_previous_subjects_are_none(configure: Configure, ids: Any) -> None:
    configure({"seen": STATS})
    classify(lion(4, subject_metadata={"previous_subject_ids": ids}))
    assert data() == {"lion": 1}


def test_training_subjects(configure: Configure) -> None:
    def only(behavior: str, **over: Any) -> JSON:
        return COUNT | {"filters": {"training_behavior": behavior}} | over

    configure(
        {
            "training": only("training_only"),
            "experiment": only("experiment_only"),
            "of_user": only("training_only", **BY_USER),
            "running_of_user": only("experiment_only", **BY_USER, **RUNNING),
        }
    )
    marked = {"#training_subject": "True"}
    classify(lion(1, subject=1, user=3, subject_metadata=marked), lion(2, subject=2, user=3))
    classify(lion(3, subject=3, user=3))
    found = rows(SubjectReduction.subject_id, SubjectReduction.reducer_key)
    assert found == [(1, "training"), (2, "experiment"), (3, "experiment")]
    counts = rows(UserReduction.reducer_key, UserReduction.data)
    assert [(key, count["extracts"]) for key, count in counts] == [
        ("of_user", 1),
        ("running_of_user", 2),
    ]


def test_subgroups_of_subjects_and_users(configure: Configure) -> None:
    configure(
        {"places": STATS | BY_PLACE, "of_user": STATS | BY_PLACE | BY_USER},
        extractors_config={"survey": SURVEY, "place": PLACE | {"if_missing": "ignore"}},
    )
    events = [visit(1, "north", user=3), visit(2, "south", user=3, subject=2), lion(3, user=3)]
    classify(*events, visit(4, "north"))
    found = rows(SubjectReduction.subject_id, SubjectReduction.subgroup, SubjectReduction.data)
    assert found == [(1, "north", {"lion": 2}), (2, "south", {"lion": 1})]
    assert data("of_user", UserReduction) == {"north": {"lion": 1}, "south": {"lion": 1}}


def test_empty_data_are_not_written(configure: Configure) -> None:
    configure({"sums": STATS, "votes": {"type": "consensus", "ignore_empty_extracts": True}})
    classify(make_event(1), make_event(2, user=3))
    assert values(Extract.data) == [{}, {}]
    assert values(SubjectReduction.id) == []


def test_a_row_without_data_any_more_is_removed(configure: Configure) -> None:
    rule = {"if": ["lt", ["lookup", "sums.lion", 0], ["const", 1]], "then": [RETIRE]}
    configure({"sums": STATS}, rules_config=[rule])
    classify(lion(1))
    classify(make_event(1, changed=1))
    assert values(SubjectReduction.id) == []
    assert len(values(SubjectAction.id)) == 1  # rules saw that it is gone


class Probe:
    """A fold that keeps what the extracts carried along."""

    def resume(self, options: Options, stored: Reduced, /) -> list[Any]:
        return []

    def add(self, options: Options, state: list[Any], group: Group, /) -> list[Any]:
        return [*state, *(extract.relevant_reduction for extract in group.extracts)]

    def result(self, options: Options, state: list[Any], /) -> Reduced:
        return Reduced({"carried": state}, None)


def test_relevant_reductions_go_with_their_extracts(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(reducers.REDUCERS, "probe", ReducerType((), Probe()))
    configure(
        {
            "skill": STATS | BY_USER,
            "votes": STATS,
            "by_subject": {"type": "probe", "user_reducer_keys": ["missing", "skill"]},
            "by_user": {"type": "probe", **BY_USER, "subject_reducer_keys": ["votes"]},
        }
    )
    classify(lion(1, user=3, subject=70))
    classify(lion(2, user=3), lion(3, user=4), lion(4))
    carried = values(
        SubjectReduction.data,
        (SubjectReduction.reducer_key == "by_subject") & (SubjectReduction.subject_id == 1),
    )[0]["carried"]
    assert [one and (one["user_id"], one["reducer_key"], one["data"]) for one in carried] == [
        (3, "skill", {"lion": 1}),
        None,
        None,
    ]
    by_user = UserReduction.reducer_key == "by_user"
    of_user = by_first(UserReduction.user_id, UserReduction.data, where=by_user)
    assert [(one["subject_id"], one["data"]) for one in of_user[3]["carried"]] == [
        (70, {"lion": 1}),
        (1, {"lion": 3}),
    ]


ALWAYS: JSON = {"if": ["const", True], "then": [RETIRE]}
BROKEN: JSON = {"if": ["upcase", ["lookup", "seen.lion", 0]], "then": [RETIRE]}


@pytest.mark.parametrize(
    ("rules_applied", "actions"),
    [("all_matching_rules", 2), ("first_matching_rule", 1), ("no_rules", 0)],
)
def test_which_rules_apply_though_one_has_an_error(
    configure: Configure, rules_applied: str, actions: int
) -> None:
    configure(
        {"seen": STATS},
        rules_config=[BROKEN, ALWAYS, {"if": ["const", 1], "then": [RETIRE]}],
        rules_applied=rules_applied,
    )
    classify(lion(1), lion(2))
    broken, first, second = values(SubjectRule.id)
    assert values(SubjectAction.rule_id) == [first, second][:actions]
    assert light("subject_rule", broken) == ("xx" if actions else "")
    assert light("subject_rule", first) == ""


def test_rules_of_users(configure: Configure) -> None:
    promote = {"action": "promote_user", "workflow_id": 101}
    rule = {"if": ["gte", ["lookup", "seen.lion", 0], ["const", 2]], "then": [promote]}
    configure({"seen": STATS | BY_USER}, user_rules_config=[rule])
    classify(lion(1, user=3), lion(2, subject=2, user=4), lion(3, subject=3, user=3), lion(4))
    classify(lion(5, subject=5, user=3))
    columns = (UserAction.user_id, UserAction.effect_type, UserAction.config)
    assert rows(*columns) == [(3, "promote_user", {"workflow_id": 101})]
    assert values(SubjectAction.id) == []


def test_a_reducer_that_fails_lights_its_own_light_until_it_does_well(
    configure: Configure,
) -> None:
    strict = COUNT | {"grouping": {"field_name": "place.name", "if_missing": "error"}}
    configure(
        {"strict": strict, "seen": STATS},
        extractors_config={"survey": SURVEY, "place": PLACE | {"if_missing": "ignore"}},
    )
    id_of = by_first(configuration.Reducer.key, configuration.Reducer.id)
    classify(lion(1), visit(2, "north"))  # the second still has the first before it
    assert light("reducer", id_of["strict"]) == "xx"
    classify(visit(1, "north", changed=1), visit(3, "north"))
    assert light("reducer", id_of["strict"]) == "xx.."
    assert light("reducer", id_of["seen"]) == ""
    assert data("strict") == {"north": {"classifications": 3, "extracts": 6}}
