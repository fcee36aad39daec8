"""Answers that are pages."""

from typing import Any

from flask import Response, render_template


def page(template: str, *, status: int = 200, **values: Any) -> Response:
    """A template with its values, as a browser takes it."""
    html = render_template(template, **values)
    return Response(html, status, content_type="text/html; charset=utf-8")
