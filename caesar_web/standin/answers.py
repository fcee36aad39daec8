"""What is really on a subject and what a volunteer makes of it, for each kind of task."""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from caesar_web.standin import marks

Task = Mapping[str, Any]
Tasks = Mapping[str, Task]
Value = Any

NOTHING_HERE = ("NOTHINGHERE", "NTHNGHR", "NOTHING_HERE", "BLANK", "NOANIMALSPRESENT")
HUMAN = ("HUMAN", "HMN", "HUMANS")
EXPERT_ANSWER = "#feedback_1_answer"
CHANCE_NOTHING_HERE, CHANCE_HUMAN, CHANCE_SECOND_SPECIES = 0.3, 0.06, 0.12
CHANCE_BLANK_PAGE = 0.06

OPENINGS = ("Resolved, that", "Moved by Mr. Alder that", "It was reported that", "Ordered, that")
MATTERS = (
    "the lamp in Station Road be mended before the winter",
    "the clerk write to the Board of Trade respecting the harbour dues",
    "the tender of Messrs. Pike for the new tramway shelter be accepted",
    "the well at Mill Lane is unfit and shall be closed",
    "two pounds ten be paid to the widow of the late constable",
    "the reading room stay open until nine on Saturdays",
)
OUTCOMES = ("Carried.", "Carried, seven to three.", "Lost.", "Deferred to the next meeting.")


def truth(task: Task, random: Random) -> Value:
    """The annotation value that a flawless volunteer would give for a subject."""
    return KINDS[task["type"]][0](task, random)


def mistake(task: Task, value: Value, random: Random) -> Value:
    """A plausible wrong answer where `value` is right."""
    return KINDS[task["type"]][1](task, value, random)


def asked(tasks: Tasks) -> dict[str, Task]:
    """The tasks that a volunteer meets on their own page: not those inside a combo task."""
    inside = {key for task in tasks.values() for key in task.get("tasks", ())}
    return {
        key: task
        for key, task in tasks.items()
        if key not in inside and (task.get("type") in KINDS or task.get("type") == "combo")
    }


def truths(tasks: Tasks, metadata: Mapping[str, Any], random: Random) -> dict[str, Value]:
    """The right answer of every task, for one subject; experts gave that of a training subject."""
    right = {key: truth(task, random) for key, task in tasks.items() if task.get("type") in KINDS}
    expert = str(metadata.get(EXPERT_ANSWER, ""))
    first = next((key for key in right if tasks[key]["type"] == "single"), None)
    if first is not None and expert.isdecimal() and int(expert) < len(tasks[first]["answers"]):
        right[first] = int(expert)
    return right


def annotations(
    tasks: Tasks, right: Mapping[str, Value], *, accuracy: float, random: Random
) -> list[dict[str, Any]]:
    """One volunteer's answers to all tasks, each right with the probability `accuracy`."""
    given: list[dict[str, Any]] = []
    for key in asked(tasks):
        given.append(_annotation(key, tasks, right, accuracy=accuracy, random=random))
        if _saw_nothing(given[-1]["value"]):
            break
    return given


def _annotation(
    key: str, tasks: Tasks, right: Mapping[str, Value], *, accuracy: float, random: Random
) -> dict[str, Any]:
    task = tasks[key]
    if task["type"] == "combo":
        parts = [inner for inner in task["tasks"] if inner in right]
        values = [
            _annotation(inner, tasks, right, accuracy=accuracy, random=random) for inner in parts
        ]
        return {"task": key, "value": values}
    value = right[key]
    if random.random() >= accuracy:
        value = mistake(task, value, random)
    if task["type"] == "drawing":
        value = marks.by_hand(value, random, spread=2 + 20 * (1 - accuracy))
    return {"task": key, "value": value}


def _saw_nothing(value: Value) -> bool:
    """After "nothing here" in a survey the classification ends: there is nothing to ask about."""
    return (
        isinstance(value, list)
        and len(value) == 1
        and isinstance(value[0], dict)
        and value[0].get("choice") in NOTHING_HERE
    )


def _other(options: Sequence[Any], value: Any, random: Random) -> Any:
    others = [option for option in options if option != value]
    return random.choice(others) if others else value


def _single(task: Task, random: Random) -> Value:
    count = len(task.get("answers", ()))
    # The first answer is the common one, as on real projects.
    return random.choices(range(count), [(index + 1) ** -1.6 for index in range(count)])[0]


def _single_mistake(task: Task, value: Value, random: Random) -> Value:
    return _other(range(len(task["answers"])), value, random)


def _multiple(task: Task, random: Random) -> Value:
    count = len(task["answers"])
    return sorted(random.sample(range(count), random.randint(1, max(1, count // 2))))


def _multiple_mistake(task: Task, value: Value, random: Random) -> Value:
    return sorted(set(value) ^ {random.randrange(len(task["answers"]))})


def _choices(task: Task) -> list[str]:
    return list(task.get("choicesOrder") or task["choices"])


def _animals(task: Task) -> list[str]:
    return [choice for choice in _choices(task) if choice not in NOTHING_HERE + HUMAN]


def _sighting(task: Task, choice: str, random: Random) -> dict[str, Any]:
    questions = task.get("questions") or {}
    put = (task.get("questionsMap") or {}).get(choice, list(questions))
    if choice in NOTHING_HERE or task["choices"][choice].get("noQuestions"):
        put = []
    details = {key: _detail(questions[key], random) for key in put if key in questions}
    return {"choice": choice, "answers": details, "filters": {}}


def _detail(question: Mapping[str, Any], random: Random) -> Value:
    answer = random.choice(list(question.get("answersOrder") or question["answers"]))
    return [answer] if question.get("multiple") else answer


def _survey(task: Task, random: Random) -> Value:
    choices, animals = _choices(task), _animals(task)
    drawn = random.random()
    nothing = [choice for choice in choices if choice in NOTHING_HERE]
    human = [choice for choice in choices if choice in HUMAN]
    if nothing and drawn < CHANCE_NOTHING_HERE:
        seen = nothing[:1]
    elif human and drawn < CHANCE_NOTHING_HERE + CHANCE_HUMAN:
        seen = human[:1]
    else:
        pair = random.random() < CHANCE_SECOND_SPECIES and len(animals) > 1
        seen = random.sample(animals, 2 if pair else 1)
    return [_sighting(task, choice, random) for choice in seen]


def _survey_mistake(task: Task, value: Value, random: Random) -> Value:
    """Misses an animal, or takes one for another."""
    if len(value) > 1 and random.random() < 0.7:
        return value[:1]
    nothing = [choice for choice in _choices(task) if choice in NOTHING_HERE]
    if nothing and value[0]["choice"] not in nothing and random.random() < 0.3:
        return [_sighting(task, nothing[0], random)]
    choice = _other(_animals(task), value[0]["choice"], random)
    return [_sighting(task, choice, random), *value[1:]]


def _text(task: Task, random: Random) -> Value:
    del task
    if random.random() < CHANCE_BLANK_PAGE:
        return ""
    matters = random.sample(MATTERS, 2)
    return "\n".join(
        f"{random.choice(OPENINGS)} {matter}. {random.choice(OUTCOMES)}" for matter in matters
    )


def _text_mistake(task: Task, value: Value, random: Random) -> Value:
    """A slip of the pen, an unreadable word, or a blank where nothing could be read."""
    del task
    if not value:
        return "[unclear]"
    drawn = random.random()
    words = value.split(" ")
    place = random.randrange(len(words))
    if drawn < 0.1:
        return ""
    if drawn < 0.4:
        return " ".join([*words[:place], "[unclear]", *words[place + 1 :]])
    letter = random.randrange(len(value))
    return value[:letter] + random.choice("aeinrstu") + value[letter + 1 :]


def _options(select: Mapping[str, Any]) -> list[Any]:
    return [option["value"] for options in select["options"].values() for option in options]


def _dropdown(task: Task, random: Random) -> Value:
    return [
        {"value": random.choice(_options(select)), "option": True} for select in task["selects"]
    ]


def _dropdown_mistake(task: Task, value: Value, random: Random) -> Value:
    wrong = random.randrange(len(value))
    option = _other(_options(task["selects"][wrong]), value[wrong]["value"], random)
    return [*value[:wrong], {"value": option, "option": True}, *value[wrong + 1 :]]


def _scale(task: Task) -> list[int]:
    low, high, step = (int(float(task.get(name, 1))) for name in ("min", "max", "step"))
    return list(range(low, high + 1, max(1, step)))


def _slider(task: Task, random: Random) -> Value:
    return str(random.choice(_scale(task)))


def _slider_mistake(task: Task, value: Value, random: Random) -> Value:
    return str(_other(_scale(task), int(value), random))


KINDS: Mapping[
    str, tuple[Callable[[Task, Random], Value], Callable[[Task, Value, Random], Value]]
] = {
    "single": (_single, _single_mistake),
    "multiple": (_multiple, _multiple_mistake),
    "survey": (_survey, _survey_mistake),
    "text": (_text, _text_mistake),
    "dropdown": (_dropdown, _dropdown_mistake),
    "slider": (_slider, _slider_mistake),
    "drawing": (marks.there, marks.mistaken),
}
