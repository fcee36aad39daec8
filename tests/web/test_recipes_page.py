"""Pages of recipes: all of them, and that each one's form leads to the rule that it makes."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict

from caesar_web.access.choices import Choice, Choices
from caesar_web.domain.recipes import RECIPES
from caesar_web.domain.tasks import Task, read_tasks
from caesar_web.domain.values import InvalidConfiguration
from caesar_web.standin import seed_tasks
from caesar_web.web.recipe_form import recipe_form
from tests.domain.making import golden
from tests.pages import Element, filled, visit
from tests.people import sign_in
from tests.served import three_projects
from tests.standin.server import StandinServer
from tests.web.parts import problems, typed

RECIPES_OF_100 = "/workflows/100/recipes"
SETS = Choices((Choice(7, "Hard <b>cases</b>", "Galaxy Demo"),), is_whole=True)
AWAY = Choices((), is_whole=False, problem="Cannot be read.")
SURVEY = read_tasks(seed_tasks.SURVEY)
DRAWING = read_tasks({"T3": {"type": "drawing", "instruction": "Mark it", "tools": []}})


@pytest.fixture(scope="module")
def alice(
    new_database: Callable[[str], str], standin_server: StandinServer
) -> Iterator[FlaskClient]:
    standin_server.reset()
    with three_projects(new_database("sqlite"), standin_server) as app:
        client = app.test_client()
        sign_in(client, "alice")
        yield client


def form_in(page: Element) -> Element:
    (form,) = [one for one in page.all("form") if one.attributes["method"] == "get"]
    return form


def values(
    key: str, tasks: Sequence[Task], pairs: Sequence[tuple[str, str]], found: Choices = SETS
) -> dict[str, Any]:
    pointed = {"subject_set_id": found, "workflow_id": found}
    given = MultiDict([("recipe", key), *pairs])
    return recipe_form(RECIPES[key], tasks, pointed, given).values()


def test_all_recipes_are_listed_once(alice: FlaskClient) -> None:
    page = visit(alice, RECIPES_OF_100)
    links = [link.attributes["href"] for link in page.all("a")]
    assert sorted(link for link in links if link.startswith(f"{RECIPES_OF_100}/")) == sorted(
        f"{RECIPES_OF_100}/{key}" for key in RECIPES
    )
    for recipe in RECIPES.values():
        assert recipe.title in page.text
        assert recipe.explanation in page.text


@pytest.mark.parametrize("key", RECIPES)
def test_every_form_asks_for_everything_and_leads_to_the_editor(
    alice: FlaskClient, key: str
) -> None:
    page = visit(alice, f"{RECIPES_OF_100}/{key}")
    form = form_in(page)
    kind = "user_rules" if RECIPES[key].is_for_users else "subject_rules"
    assert urlsplit(form.attributes["action"]).path == f"/workflows/100/{kind}/new"
    assert filled(form)["recipe"] == key
    controls = {one.attributes["name"] for one in form.all("input", "select", "textarea")}
    asked = {one.name for one in RECIPES[key].parameters}
    # A task that is known says its kind itself; of no task here can be said that it is empty.
    assert asked - controls <= {"task_type"}


@pytest.mark.parametrize("key", RECIPES)
@pytest.mark.parametrize("tasks", [(), SURVEY, DRAWING], ids=["unknown", "survey", "drawing"])
def test_every_parameter_has_a_control(key: str, tasks: Sequence[Task]) -> None:
    form = recipe_form(RECIPES[key], tasks, {"subject_set_id": SETS, "workflow_id": AWAY})
    names = {one.name.removesuffix("-other") for one in form}
    asked = {one.name for one in RECIPES[key].parameters}
    assert names == asked - ({"task_type"} if form.tasks else set())


@pytest.mark.parametrize("case", [one for one in golden("recipes") if "values" in one])
@pytest.mark.parametrize("found", [SETS, AWAY], ids=["sets to choose", "sets unknown"])
def test_what_is_typed_is_what_the_recipe_reads(case: dict[str, Any], found: Choices) -> None:
    """Without tasks, where everything is typed."""
    recipe = RECIPES[case["recipe"]]
    pairs = [(name, _typed(value)) for name, value in case["values"].items() if value is not False]
    assert recipe.build(values(recipe.key, (), pairs, found)) == recipe.build(case["values"])


def _typed(value: Any) -> str:
    return "\n".join(value) if isinstance(value, list) else str(value)


def test_answers_are_chosen_by_their_words_among_their_tasks(alice: FlaskClient) -> None:
    page = visit(alice, "/workflows/200/recipes/first_say")
    groups = [one.attributes["label"] for one in page.all("optgroup")]
    assert groups == ["T0 (survey)", "T1: Are there any young?"]
    options = {one.text: one.attributes["value"] for one in page.all("option")}
    assert options["Nothing here (NOTHINGHERE)"] == "T0:NOTHINGHERE"
    assert options["No (1)"] == "T1:1"
    assert typed(page, "task_key") == "T0"
    assert typed(page, "people") == "3"
    read = values("first_say", SURVEY, [("task_key", "T1"), ("answer", "T1:1"), ("people", "4")])
    assert (read["answer"], read["task_type"], read["people"]) == ("1", "question", "4")


def test_an_address_may_have_the_plain_value_of_an_answer(alice: FlaskClient) -> None:
    page = visit(alice, "/workflows/200/recipes/first_say?task_key=T1&answer=1&people=9")
    assert typed(page, "answer") == "T1:1"
    assert typed(page, "people") == "9"
    page = visit(alice, "/workflows/200/recipes/first_say?task_key=T7&answer=x%22%3Cb%3E")
    assert typed(page, "answer") == 'x"<b>'
    assert typed(page, "task_key") == "T7"


def test_an_answer_of_another_task_is_refused() -> None:
    with pytest.raises(InvalidConfiguration, match="this is an answer to T0, and the task is T1"):
        values("first_say", SURVEY, [("task_key", "T1"), ("answer", "T0:LION")])


def test_several_answers_are_boxes() -> None:
    pairs = [("task_key", "T0"), ("answers", "T0:LION"), ("answers", "T0:ZEBRA")]
    read = values("some_say_one_of", SURVEY, pairs)
    assert read["answers"] == ["LION", "ZEBRA"]
    assert read["task_type"] == "survey"


def test_only_tasks_that_fit_are_to_choose_from() -> None:
    both = (*SURVEY, *DRAWING)
    assert [task.key for task in recipe_form(RECIPES["drew_nothing"], both, {}).tasks] == ["T3"]
    assert [task.key for task in recipe_form(RECIPES["agree"], both, {}).tasks] == ["T0", "T1"]


def test_an_id_that_is_not_listed_can_be_typed() -> None:
    pairs = [("subject_set_id", "7"), ("subject_set_id-other", " 8 ")]
    assert values("seen", (), pairs)["subject_set_id"] == "8"
    assert values("seen", (), pairs[:1])["subject_set_id"] == "7"


def test_what_is_refused_is_said_at_its_field() -> None:
    recipe = RECIPES["some_of_first_say"]
    form = recipe_form(recipe, (), {}, MultiDict([("people", "<b>"), ("first", "7")]))
    with pytest.raises(InvalidConfiguration) as refusal:
        recipe.build(form.values())
    form.tell(refusal.value.problems)
    assert form.errors == {
        "people": ["How many people: must be a whole number."],
        "answer": ["The answer, as its number or choice: must be given."],
    }
    assert (form.people.data, form.first.data) == ("<b>", "7")


def test_a_recipe_that_nobody_knows(alice: FlaskClient) -> None:
    visit(alice, f"{RECIPES_OF_100}/none", status=404)
    visit(alice, "/workflows/300/recipes/seen", status=404)


def test_the_form_opens_the_rule_unsaved_or_comes_back(alice: FlaskClient) -> None:
    form = form_in(visit(alice, "/workflows/200/recipes/first_say"))
    sent = {**filled(form), "task_key": "T1", "answer": "T1:1", "people": "4"}
    page = visit(alice, f"{form.attributes['action']}?{urlencode(sent)}")
    assert "at least 4" in page.text
    refused = visit(
        alice, f"{form.attributes['action']}?{urlencode({**sent, 'people': '<b>'})}", status=422
    )
    assert problems(refused) == ["How many people: must be a whole number."]
    assert typed(refused, "people") == "<b>"
    assert typed(refused, "answer") == "T1:1"
    assert visit(alice, "/workflows/200/history").text.count("T1") == 0
