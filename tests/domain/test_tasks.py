"""Tasks: whatever Panoptes has of them is read, and what cannot be is left out."""

import json

import pytest
from hypothesis import given

from caesar_web.domain.blank_answers import blank_answer, human_answer, reason_of
from caesar_web.domain.tasks import LONGEST_LABEL, Answer, Task, Tool, plain, read_tasks
from caesar_web.standin.seed_tasks import COUNTS, MINUTES, SPECIES, SURVEY
from tests.domain.strategies_of_tasks import tasks_documents


def test_a_survey_has_its_choices_in_their_order_and_what_is_asked_of_each() -> None:
    survey, question = read_tasks(SURVEY)
    assert survey.kind == "survey"
    assert [answer.value for answer in survey.answers] == list(SPECIES)
    assert survey.answers[7] == Answer("HYENA", "Spotted hyena")
    assert survey.details == ("How many?", "What are they doing?")
    assert question == Task(
        "T1",
        "single",
        type="single",
        question="Are there any young?",
        answers=(Answer("0", "Yes"), Answer("1", "No")),
    )
    assert len(COUNTS) == 8  # the answers of a choice's questions are none of the survey


def test_a_text_has_its_instruction_as_its_question() -> None:
    text, _ = read_tasks(MINUTES)
    assert (text.kind, text.question) == ("text", "Write down the text of the page, line by line.")


def test_a_drawing_has_tools_and_their_shapes() -> None:
    tools = [{"type": "point", "label": "**Star**"}, {"type": "line"}, {}, 7]
    (drawing,) = read_tasks({"T0": {"type": "drawing", "tools": tools}})
    assert drawing.tools == (
        Tool("Star", "point"),
        Tool("line", "line"),
        Tool("tool 2", "unknown"),
        Tool("tool 3", "unknown"),
    )


def test_a_combo_has_the_keys_of_its_tasks() -> None:
    combo, *_ = read_tasks({"T0": {"type": "combo", "tasks": ["T1", 2, None, "T2"]}})
    assert combo.subtasks == ("T1", "T2")


@pytest.mark.parametrize(
    ("type_name", "kind"),
    [
        ("multiple", "multiple"),
        ("slider", "slider"),
        ("dropdown", "dropdown"),
        ("dropdown-simple", "dropdown"),
        ("transcription", "transcription"),
        ("geoDrawing", "unknown"),
        (None, "unknown"),
        (["single"], "unknown"),
    ],
)
def test_what_kind_of_task_a_type_is(type_name: object, kind: str) -> None:
    (task,) = read_tasks({"T0": {"type": type_name}})
    assert task.kind == kind


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("  Is it\n a lion? ", "Is it a lion?"),
        ("# Heading\n\nand *more* of __it__", "Heading and more of it"),
        (
            "![A lion](https://example.org/a.png =80x) or [a cat](+tab+https://e.org)",
            "A lion or a cat",
        ),
        ("<b class='x'>Bold</b><br/>3 < 4 &amp; 5 &gt; 4", "Bold 3 < 4 & 5 > 4"),
        ("snake_case, 2*3 and **all!**", "snake_case, 2*3 and all!"),
        ("half \ud800 of a pair\0", "half of a pair"),
        ("&#0;&lt;script&gt;", "�<script>"),
        ("![](https://example.org/a.png)", ""),
        ("word " * 30, "word " * 15 + "word…"),
        ("w" * 200, "w" * LONGEST_LABEL + "…"),
        (None, ""),
        ({"label": "x"}, ""),
    ],
)
def test_a_label_in_plain_words(text: object, words: str) -> None:
    assert plain(text) == words


def single(*following: object, **more: object) -> dict[str, object]:
    answers = [{"label": "?", "next": one} for one in following]
    return {"type": "single", "answers": answers, **more}


@pytest.mark.parametrize(
    ("tasks", "conditional"),
    [
        ({"T0": single("T1", None), "T1": single()}, ["T1"]),
        ({"T0": single("T1", "T1"), "T1": single()}, []),
        ({"T0": single("T1", None, next="T1"), "T1": single()}, []),
        (
            {"T0": single("T1", "T2"), "T1": single(next="T3"), "T2": {}, "T3": {}},
            ["T1", "T2", "T3"],
        ),
        ({"T0": single(next="T1"), "T1": {}}, []),
        ({"T0": single("T1", None), "T1": single("T0", "T0")}, ["T0", "T1"]),
        (
            {"T0": single("T1", None), "T1": {"type": "combo", "tasks": ["T2"]}, "T2": {}},
            ["T1", "T2"],
        ),
        ({"T0": {}, "T1": single("S1", "S2"), "T2": {}}, ["T2"]),
        ({"T0": single({"x": 1}, None), "T1": {}}, ["T1"]),
        ({"T0": {"type": "multiple", "answers": [{"next": "T1"}, {}]}, "T1": {}}, []),
    ],
)
def test_which_tasks_only_some_people_are_asked(
    tasks: dict[str, object], conditional: list[str]
) -> None:
    assert [task.key for task in read_tasks(tasks) if task.is_conditional] == conditional


def labelled(label: str) -> Task:
    return Task("T0", "single", answers=(Answer("0", label),))


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        ("Blank", "blank"),
        ("Empty image", "blank"),
        ("The image is blank.", "blank"),
        ("BLANK", "blank"),
        ("Nothing", "nothing_here"),
        ("NOTHINGHERE", "nothing_here"),
        ("Nothing here", "nothing_here"),
        ("(There is) nothing in this image", "nothing_here"),
        ("No animals present", "nothing_here"),
        ("NOANIMALSPRESENT", "nothing_here"),
        ("No – nothing to mark", "nothing_here"),
    ],
)
def test_which_answers_say_that_there_is_nothing(label: str, reason: str) -> None:
    answer = blank_answer(labelled(label))
    assert answer is not None
    assert reason_of(answer) == reason


@pytest.mark.parametrize(
    "label",
    [
        "No",
        "None",
        "None of these",
        "Nothing unusual",
        "Not blank",
        "Blanket",
        "No, a star",
        "",
        "7",
    ],
)
def test_which_answers_may_mean_something_else(label: str) -> None:
    assert blank_answer(labelled(label)) is None
    assert reason_of(Answer("0", label)) is None


@pytest.mark.parametrize(
    ("label", "is_human"),
    [
        ("Human", True),
        ("People", True),
        ("Humans & vehicles", True),
        ("Not human", False),
        ("", False),
    ],
)
def test_which_answers_say_that_it_is_a_person(label: str, *, is_human: bool) -> None:
    assert (human_answer(labelled(label)) is not None) == is_human


@given(tasks_documents, tasks_documents)
def test_whatever_the_tasks_are_they_are_read_and_can_be_written(
    tasks: object, strings: object
) -> None:
    read = read_tasks(tasks, strings)  # type: ignore[arg-type]  # somebody else's data
    labels = [label for task in read for label in (task.question, *task.details)]
    labels += [answer.label for task in read for answer in task.answers]
    assert all(len(label) <= LONGEST_LABEL + 1 for label in labels)
    "".join(labels).encode("utf-8")


def test_the_order_of_members_does_not_matter() -> None:
    tasks = {"T2": single("T10", None), "T10": {"type": "text"}, "init": single()}
    turned = dict(reversed(list(json.loads(json.dumps(tasks)).items())))
    assert read_tasks(tasks) == read_tasks(turned)
