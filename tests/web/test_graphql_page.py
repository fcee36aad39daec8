"""The page on which administrators ask GraphQL."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.people import BROWSER, csrf_token, sign_in
from tests.served import page_of, send, three_projects
from tests.standin.server import StandinServer

PAGE = "/graphiql"


@pytest.fixture
def app(new_database: Callable[[str], str], standin: StandinServer) -> Iterator[Flask]:
    with three_projects(new_database("sqlite"), standin) as app:
        yield app


@pytest.fixture
def root(app: Flask) -> FlaskClient:
    """An administrator who acts as one."""
    browser = app.test_client()
    sign_in(browser, "root")
    browser.post("/session/admin", data={"on": "1", "csrf_token": csrf_token(browser)})
    return browser


def answer(browser: FlaskClient, query: str, variables: str = "") -> str:
    """What stands below the form."""
    response = send(browser, PAGE, query=query, variables=variables)
    assert response.status_code == 200, response.text
    return page_of(response).all("pre")[0].text


def test_a_query_its_answer_and_the_schema(root: FlaskClient) -> None:
    shown = page_of(root.get(PAGE, headers=BROWSER)).all("pre")
    assert [one.text.startswith("schema") for one in shown] == [True]
    query = "query($id: ID!) { me { isAdmin } workflow(id: $id) { id } }"
    found = answer(root, query, '{"id": 300}')
    assert '"isAdmin": true' in found
    assert '"id": "300"' in found


def test_what_clients_get_as_a_status_is_told(root: FlaskClient) -> None:
    assert answer(root, "{ workflow(id: 999) { id } }").startswith("404: Couldn't find Workflow")
    write = 'mutation { upsertReduction(workflowId: 100, subjectId: 1, reducerKey: "x") { data } }'
    assert answer(root, write) == "404: there is no Reducer x"


def test_what_is_wrong_is_told(root: FlaskClient) -> None:
    assert "Cannot query field" in answer(root, "{ nothing }")
    assert "variables must be an object" in answer(root, "{ me { isAdmin } }", "{")
    assert send(root, PAGE, query="").status_code == 422


def test_only_administrators_ask_here(app: Flask) -> None:
    browser = app.test_client()
    sign_in(browser, "alice")
    assert browser.get(PAGE, headers=BROWSER).status_code == 403
