"""Forged requests: what a cookie authenticates must prove that it comes from our own pages."""

from flask import Blueprint, Flask, current_app, g, request
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.exceptions import RequestEntityTooLarge


def protect(app: Flask, *exempt: Blueprint) -> None:
    """Makes ready for `check`; those that are `exempt` never look at cookies."""
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False  # first who it is, and only then this
    app.config["WTF_CSRF_TIME_LIMIT"] = None  # as long as the session
    csrf = CSRFProtect(app)
    for blueprint in exempt:
        csrf.exempt(blueprint)


def check() -> None:
    """Lets a request pass, or raises CSRFError. Browsers send no bearer token by themselves."""
    if "Authorization" in request.headers:
        g.csrf_valid = True  # so that no form asks for it either
    else:
        current_app.extensions["csrf"].protect(apply_exemptions=True)


def is_valid() -> bool:
    """Whether this request comes from a page of ours in this browser."""
    try:
        current_app.extensions["csrf"].protect()
    except (CSRFError, RequestEntityTooLarge):
        return False
    return True
