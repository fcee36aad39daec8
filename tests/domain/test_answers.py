"""What fields stand for, from a workflow's tasks."""

from caesar_web.domain.answers import of_extractor, of_reducers
from caesar_web.domain.filters import Filters
from caesar_web.domain.known import KnownReducer
from caesar_web.domain.tasks import Answer, Task, read_tasks

TASKS = read_tasks(
    {"T0": {"type": "single", "question": "Is it?", "answers": [{"label": "Yes"}, {"label": "No"}]}}
)
YES_NO = {"0": "Yes", "1": "No"}


def test_the_task_is_one() -> None:
    assert [type(task) for task in TASKS] == [Task]
    assert TASKS[0].answers == (Answer("0", "Yes"), Answer("1", "No"))


def test_fields_of_extracts() -> None:
    assert of_extractor("question", {}, TASKS) == YES_NO
    assert of_extractor("question", {"task_key": "T9"}, TASKS) == {}
    assert of_extractor("who", {}, TASKS) == {"user_id": "the volunteer"}
    assert of_extractor("blank", {}, TASKS) == {"blank": "nothing was answered"}
    assert of_extractor("pluck_field", {"field_map": {"a": "$.b"}}, TASKS) == {"a": "$.b"}


def test_only_what_counts_answers_has_them_as_fields() -> None:
    own = Filters(extractor_keys=("T0",))
    reducers = {
        "counts": KnownReducer("stats", filters=own),
        "all": KnownReducer("stats"),
        "other": KnownReducer("stats", filters=Filters(extractor_keys=("T1",))),
        "consensus": KnownReducer("consensus", filters=own),
        "people": KnownReducer("votes", {"answers": {}}, own),
        "either": KnownReducer("votes", {"answers": {"0": "any", "1": "any"}}, own),
    }
    assert of_reducers(reducers, {"T0": YES_NO}) == {
        "counts.0": "Yes",
        "counts.1": "No",
        "all.0": "Yes",
        "all.1": "No",
        "people.votes.0": "Yes",
        "people.votes.1": "No",
        "either.votes.any": "any",
    }
