"""Addresses as clients have always written them: with `.json`, or with a slash at the end."""

from typing import Any

from flask import Flask

SUFFIX = ".json"
OWN_NAMES = ("/static/", "/openapi.json")  # whose names end so


class WithSuffix:
    """Lets `/workflows.json` mean `/workflows` for who wants JSON."""

    def __init__(self, application: Any) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        path = environ.get("PATH_INFO", "")
        if path.endswith(SUFFIX) and not path.startswith(OWN_NAMES):
            environ = {
                **environ,
                "PATH_INFO": path.removesuffix(SUFFIX),
                "HTTP_ACCEPT": "application/json",
            }
        return self._application(environ, start_response)


def tolerate(app: Flask) -> None:
    """Before any route is added."""
    app.url_map.strict_slashes = False
    app.wsgi_app = WithSuffix(app.wsgi_app)  # type: ignore[method-assign]  # as Flask documents it
