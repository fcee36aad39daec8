"""Forms of extractors and reducers of the aggregation library: a field for each parameter."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from caesar_web.domain.aggregation import KINDS, Kind, described, names, read_parameters
from caesar_web.domain.documents import read_extractor, read_reducer
from caesar_web.domain.options import Option
from caesar_web.store.configuration import Extractor, Reducer
from caesar_web.store.db import db
from tests.factories import JSON
from tests.pages import Element, filled, visit
from tests.people import BROWSER, PassingTime, later, sign_in
from tests.served import page_of, send, three_projects
from tests.standin.server import StandinServer
from tests.web.parts import part_form, problems, typed

NEW = {
    "extractors": "/workflows/100/extractors/new?type=aggregation",
    "reducers": "/workflows/100/reducers/new?type=aggregation",
}
NEW["running_reducers"] = NEW["reducers"]
MODE = {"running_reducers": {"reduction_mode": "running_reduction"}}
EVERY = [(kind, name) for kind in KINDS for name in names(kind)]
NEEDED: list[tuple[Kind, str, dict[str, str]]] = [
    ("extractors", "pluck_and_split_extractor", {"path": "$.metadata.source"}),
    ("reducers", "shape_reducer_optics", {"shape": "fan"}),
    ("running_reducers", "tess_reducer_column", {}),
]
SHOW = {"update": "1"}


@pytest.fixture
def clock() -> PassingTime:
    return PassingTime()


@pytest.fixture
def app(
    new_database: Callable[[str], str], standin: StandinServer, clock: PassingTime
) -> Iterator[Flask]:
    with three_projects(new_database("sqlite"), standin, clock=clock) as app:
        yield app


@pytest.fixture
def alice(app: Flask) -> FlaskClient:
    client = app.test_client()
    sign_in(client, "alice")
    return client


def stored(app: Flask) -> dict[str, JSON]:
    """What is configured, by its key."""
    with app.app_context():
        rows = [*db.session.scalars(select(Extractor)), *db.session.scalars(select(Reducer))]
        return {row.key: row.config for row in rows}


def shown(client: FlaskClient, kind: Kind, name: str, **given: str) -> Element:
    """The page of a new one as the button shows it for a name."""
    response = send(client, NEW[kind], name=name, **SHOW, **MODE.get(kind, {}), **given)
    assert response.status_code == 200
    return page_of(response)


def pressed(client: FlaskClient, page: Element, **given: str) -> Any:
    """Sends the form of a page with something else in it."""
    form = part_form(page)
    data = {**filled(form), **given}
    return client.post(form.attributes["action"], data=data, headers=BROWSER)


def fields(page: Element) -> dict[str, Element]:
    """The fields of parameters, by the names of these."""
    found = {one.attributes.get("name", ""): one for one in page.all("input", "select", "textarea")}
    return {
        name.removeprefix("parameters."): field
        for name, field in found.items()
        if name.startswith("parameters.") and field.attributes.get("type") != "hidden"
    }


def help_of(page: Element, name: str) -> str:
    (found,) = [one for one in page.walk() if one.attributes.get("id") == f"parameters.{name}-help"]
    return found.text


def control(option: Option) -> tuple[str, str]:
    """The element that is to ask for a parameter of tasks that are known, and its type."""
    if option.kind in ("choice", "task"):
        return "select", ""
    if option.kind == "json":
        return "textarea", ""
    return "input", "checkbox" if option.kind == "switch" else "text"


def example(option: Option) -> str:
    return "y" if option.kind == "switch" else option.example


@pytest.mark.parametrize("kind", KINDS)
def test_every_name_is_filled_in_with_its_examples_and_saved(
    app: Flask, alice: FlaskClient, kind: Kind
) -> None:
    for name in names(kind):
        page = shown(alice, kind, name, key=name)
        told = described(kind, name)
        assert told.about in page.text
        found = {
            option.name: (field.tag, field.attributes.get("type", ""))
            for option, field in zip(told.parameters, fields(page).values(), strict=True)
        }
        assert found == {option.name: control(option) for option in told.parameters}, name
        examples = {option.name: example(option) for option in told.parameters}
        given = {f"parameters.{one}": value for one, value in examples.items()}
        assert pressed(alice, page, **given).status_code == 302, name
        texts = {one: "true" if value == "y" else value for one, value in examples.items()}
        read = read_parameters(kind, name, texts, place="", problems=[])
        assert stored(app)[name] == {"name": name, "parameters": read}
        as_document = {"type": "aggregation", **stored(app)[name], **MODE.get(kind, {})}
        reader: Callable[..., Any] = read_extractor if kind == "extractors" else read_reducer
        assert reader(name, as_document).config == stored(app)[name]


@pytest.mark.parametrize(("kind", "name", "needed"), NEEDED)
def test_what_nobody_gives_is_as_the_library_has_it(
    app: Flask, alice: FlaskClient, kind: Kind, name: str, needed: dict[str, str]
) -> None:
    page = shown(alice, kind, name, key="mine")
    given = {f"parameters.{one}": value for one, value in needed.items()}
    assert pressed(alice, page, **given).status_code == 302
    assert stored(app)["mine"] == {"name": name} | ({"parameters": needed} if needed else {})


def test_the_defaults_of_the_library_are_told(alice: FlaskClient) -> None:
    page = shown(alice, "reducers", "shape_reducer_dbscan")
    assert help_of(page, "eps").endswith("to one cluster. Empty: as the library has it (5.0).")
    assert help_of(page, "p") == "The power of the Minkowski metric. For example: 2.0"
    assert [one.text for one in fields(page)["shape"].all("option")][:2] == ["choose", "circle"]
    assert [one.text for one in fields(page)["metric_type"].all("option")] == [
        "as the library has it (euclidean)",
        "euclidean",
        "IoU",
    ]
    page = shown(alice, "reducers", "optics_line_text_reducer")
    assert "Empty: as the library has it (auto). For example: 3" in help_of(page, "min_samples")
    assert pressed(alice, page, key="a", **{"parameters.min_samples": "auto"}).status_code == 302


def test_a_default_that_is_given_is_kept(app: Flask, alice: FlaskClient) -> None:
    page = shown(alice, "extractors", "poly_line_text_extractor", key="mine")
    given = {"parameters.task": "all", "parameters.dot_freq": "line"}
    assert pressed(alice, page, **given).status_code == 302
    assert stored(app)["mine"]["parameters"] == {"task": "all", "dot_freq": "line"}


def test_tasks_are_to_choose_from(app: Flask, alice: FlaskClient) -> None:
    page = shown(alice, "extractors", "nfn_extractor")
    tasks = [one.text for one in fields(page)["task"].all("option")]
    assert tasks[:2] == ["as the library has it (all)", "all"]
    assert tasks[2].startswith("T0: Is there a galaxy")
    assert fields(page)["year"].all("option")[0].text == "none"


def test_tasks_can_be_typed_while_panoptes_is_away(
    app: Flask, alice: FlaskClient, standin: StandinServer
) -> None:
    standin.fail("^/api/workflows", times=-1, status=503)
    page = shown(alice, "extractors", "nfn_extractor", key="mine")
    assert help_of(page, "year") == "The task that asks for the year. For example: T2"
    assert pressed(alice, page, **{"parameters.year": "T7"}).status_code == 302
    assert stored(app)["mine"]["parameters"] == {"year": "T7"}


@pytest.mark.parametrize("kind", ["extractors", "reducers"])
def test_before_a_name_is_chosen_there_are_no_parameters(
    app: Flask, alice: FlaskClient, kind: Kind
) -> None:
    page = visit(alice, NEW[kind])
    assert "Choose one first, and press the button" in page.text
    assert "Its parameters" not in page.text
    assert (typed(page, "name"), fields(page)) == ("", {})
    response = pressed(alice, page, key="mine")
    assert response.status_code == 422
    (problem,) = problems(page_of(response))
    assert problem.endswith("of the library must be given.")
    assert stored(app) == {}


def test_another_name_keeps_what_both_have(app: Flask, alice: FlaskClient) -> None:
    page = shown(alice, "reducers", "point_reducer_dbscan", key="mine")
    given = {"parameters.eps": "7,5", "parameters.metric": "l1", "parameters.no_version": "y"}
    page = page_of(pressed(alice, page, name="shape_reducer_dbscan", **given, **SHOW))
    assert (typed(page, "key"), typed(page, "parameters.eps")) == ("mine", "7,5")
    assert "checked" in fields(page)["no_version"].attributes
    assert "metric" not in fields(page)
    assert stored(app) == {}
    page = page_of(pressed(alice, page, name="point_reducer_dbscan", **SHOW))
    assert fields(page)["metric"].all("option")[0].text == "as the library has it (euclidean)"
    assert typed(page, "parameters.metric") == "l1"  # for whoever goes back
    saved = pressed(alice, page, name="question_reducer", **{"parameters.eps": "8"})
    page = page_of(saved)  # it has other fields
    assert "Nothing is saved yet: the form has other fields now." in page.text
    assert stored(app) == {}
    assert pressed(alice, page).status_code == 302
    assert stored(app)["mine"] == {"name": "question_reducer", "parameters": {"no_version": True}}


def test_what_is_saved_gets_another_name(app: Flask, alice: FlaskClient) -> None:
    page = shown(alice, "reducers", "point_reducer_dbscan", key="mine")
    given = {"parameters.eps": "7", "parameters.metric": "l1"}
    assert pressed(alice, page, **given).status_code == 302
    with app.app_context():
        path = f"/workflows/100/reducers/{db.session.scalars(select(Reducer.id)).one()}"
    assert "eps 7.0, metric l1" in visit(alice, "/workflows/100/reducers").text
    page = visit(alice, path)
    assert (typed(page, "parameters.eps"), typed(page, "parameters.metric")) == ("7.0", "l1")
    page = page_of(pressed(alice, page, name="polygon_reducer", **SHOW))
    assert typed(page, "parameters.eps") == "7.0"
    assert pressed(alice, page).status_code == 302
    assert stored(app)["mine"] == {"name": "polygon_reducer", "parameters": {"eps": 7.0}}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"eps": "wide"}, "Eps must be a number."),
        ({"min_samples": "2.5"}, "Min samples must be a whole number."),
        ({"shape": ""}, "Shape must be given."),
        ({"shape": "blob"}, "Shape must be one of: circle,"),
        ({"details": "[0, 1]"}, "Details must be an object, such as {"),
        ({"details": '{"a": 1'}, "Details must be an object, such as {"),
    ],
)
def test_what_is_wrong_is_told_at_its_field(
    app: Flask, alice: FlaskClient, given: dict[str, str], says: str
) -> None:
    page = shown(alice, "reducers", "shape_reducer_dbscan", key="mine")
    ((name, text),) = given.items()
    field_name = f"parameters.{name}"
    response = pressed(alice, page, **{"parameters.shape": "circle", field_name: text})
    assert response.status_code == 422
    page = page_of(response)
    (link,) = [one for one in page.all("a") if one.text.startswith(says)]
    assert problems(page) == [link.text]
    assert link.attributes["href"] == f"#{field_name}"
    field = fields(page)[name]
    assert field.attributes["id"] == field_name
    assert field.attributes["aria-invalid"] == "true"
    written = field.texts[0].strip() if field.tag == "textarea" else typed(page, field_name)
    assert written == text
    assert stored(app) == {}


def test_running_mode_has_names_of_its_own(app: Flask, alice: FlaskClient) -> None:
    page = shown(alice, "running_reducers", "text_reducer", key="mine")
    (select_,) = [one for one in page.all("select") if one.attributes["name"] == "name"]
    offered = [one.attributes["value"] for one in select_.all("option")]
    assert offered == ["", *names("running_reducers"), "text_reducer"]
    assert "text_reducer (not there)" in page.text
    assert fields(page) == {}
    page = page_of(pressed(alice, page))
    assert problems(page)[0].startswith("There is no 'text_reducer' in running mode; known: tess_")
    assert [one for one in page.all("a") if one.attributes["href"] == "#name"]
    assert stored(app) == {}


@pytest.mark.parametrize(
    ("kind", "name", "parameter", "text"),
    [
        ("extractors", "pluck_and_split_extractor", "path", "$.metadata.day"),
        ("running_reducers", "tess_reducer_column", "eps", "7"),
    ],
)
def test_what_was_typed_before_signing_in_again_is_there(
    alice: FlaskClient,
    standin: StandinServer,
    clock: PassingTime,
    *,
    kind: Kind,
    name: str,
    parameter: str,
    text: str,
) -> None:
    page = shown(alice, kind, name, key="mine")
    standin.reset()
    later(clock, standin, clock.ahead + timedelta(hours=3))
    assert pressed(alice, page, **{f"parameters.{parameter}": text}).status_code == 401
    sign_in(alice, "alice")
    page = visit(alice, NEW[kind])
    written = [typed(page, one) for one in ("key", "name", f"parameters.{parameter}")]
    assert written == ["mine", name, text]


def test_a_switch_is_off_in_the_library() -> None:
    """A box that is not ticked says nothing, so that the library's default must say no."""
    parameters = [one for kind, name in EVERY for one in described(kind, name).parameters]
    assert {one.default for one in parameters if one.kind == "switch"} == {False}
