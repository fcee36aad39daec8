"""Help: how to begin, what the words mean; and the theme, which every page lets people choose."""

from flask import Blueprint, redirect, request
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from caesar_web.access import own_paths, parts
from caesar_web.access.permissions import permit
from caesar_web.web.layout import A_YEAR, THEMES
from caesar_web.web.pages import page

blueprint = Blueprint("help", __name__)

WORDS = (
    ("classification", "One volunteer's answer for one subject in one workflow."),
    ("annotation", "The part of a classification that answers one task."),
    ("subject", "What volunteers look at: a photo, a light curve, a page."),
    ("extractor", "Pulls one answer out of each classification."),
    ("extract", "What an extractor pulled out of one classification."),
    ("filter", "Decides which extracts a reducer looks at."),
    ("subgroup", "One of the parts into which a reducer with a grouping divides the extracts."),
    ("reducer", "Combines all extracts of a subject, or of a volunteer."),
    ("reduction", "What a reducer made of them."),
    ("rule", "A condition with effects: when it holds, they are carried out."),
    (
        "condition",
        "What a rule looks at: reductions, the subject's metadata, and how they compare.",
    ),
    ("lookup", "A value of a reduction or of the metadata in a condition."),
    ("fallback", "What counts in a condition where a lookup finds nothing."),
    ("effect", "What a rule does: retire the subject, add it to a set, promote the volunteer."),
    ("action", "One time that an effect is carried out, for one subject or volunteer."),
    ("retirement", "The subject is shown to nobody any more, for a reason."),
    ("light", "How an extractor, reducer, rule or effect has fared lately."),
    ("dry run", "What a rule would do with your latest subjects. Nothing is changed by it."),
    ("training subject", "A subject whose answer is known, marked so in its metadata."),
)


@blueprint.get("/help")
@permit("read the help")
def start() -> Response:
    return page("help.html", words=WORDS)


@blueprint.post("/theme")
@permit("choose a theme")
def theme() -> Response:
    """Keeps the choice in a cookie, and goes back to the page."""
    chosen, to = request.form.get("theme"), request.form.get("to", "/")
    if chosen not in THEMES:
        raise BadRequest
    response = redirect(to if own_paths.is_own_path(to) else "/", 303)
    response.set_cookie(
        "theme",
        chosen,
        max_age=A_YEAR,
        samesite="Lax",
        httponly=True,
        secure=not parts.config().development,
    )
    return response
