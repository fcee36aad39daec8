"""A page on which administrators ask GraphQL, beside the schema of what can be asked."""

import json

from flask import Blueprint, Response
from werkzeug.exceptions import HTTPException

from caesar_web.access.permissions import permit
from caesar_web.access.pushing import Missing
from caesar_web.api.graphql import answer
from caesar_web.api.graphql_schema import SDL
from caesar_web.web import forms
from caesar_web.web.pages import page

blueprint = Blueprint("graphql_page", __name__)

EXAMPLE = """query Example($id: ID!) {
  me { isLoggedIn isAdmin }
  workflow(id: $id) { createdAt data_requests { requestedData status } }
}"""


@blueprint.route("/graphiql", methods=["GET", "POST"])
@permit("operate the service")
def ask() -> Response:
    """A query and its answer; mutations change what is there, as those of any client do."""
    form = forms.Query.of_page(query=EXAMPLE, variables='{"id": 1}')
    answered = _answered(form) if form.is_submitted() and form.validate() else None
    return page(
        "operations/graphql.html",
        status=422 if form.errors else 200,
        form=form,
        answered=answered,
        schema=SDL.strip(),
    )


def _answered(form: forms.Query) -> str:
    """The answer as a client would have it: JSON, or only a status."""
    sent = {"query": form.query.data, "variables": (form.variables.data or "").strip()}
    try:
        return json.dumps(answer(sent), indent=2, ensure_ascii=False)
    except Missing as problem:
        what, id = problem.args
        return f"404: there is no {what} {id}"
    except HTTPException as problem:
        return f"{problem.code}: {problem.description}"
