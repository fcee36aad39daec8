"""How a caller wants to be answered: with a page or with JSON, by one rule for every route."""

from flask import request

JSON_TYPES = ("application/json", "application/vnd.api+json")


def wants_page() -> bool:
    """Only browsers name HTML; clients name JSON, anything, or nothing."""
    named = dict(request.accept_mimetypes)
    return "text/html" in named and not any(name in named for name in JSON_TYPES)
