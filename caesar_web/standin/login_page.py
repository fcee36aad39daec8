"""The pages that a person sees: who to log in as, and why that cannot be."""

from collections.abc import Iterable, Mapping

from flask import Response, make_response, render_template_string

from caesar_web.standin.world import User

# Inline, because the stand-in is a site of its own and shares nothing with the application's pages.
_LOGIN = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Log in to the stand-in Panoptes</title>
<style>
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 2rem auto; padding: 0 1rem; }
ul { list-style: none; padding: 0; }
li { margin: .75rem 0; }
button { font: inherit; padding: .6rem .9rem; cursor: pointer; text-align: left; }
li button { width: 100%; }
li span { display: block; }
</style>
</head>
<body>
<main>
{% if trouble %}
<h1>This login cannot go on</h1>
<p>{{ trouble }}</p>
{% else %}
<h1>Who are you?</h1>
<p>This is a stand-in for Panoptes with made-up people. <strong>{{ application }}</strong> asks
to know who you are. Choose a person; there is no password.</p>
<form method="post" action="/oauth/authorize">
{% for name, value in parameters.items() %}
<input type="hidden" name="{{ name }}" value="{{ value }}">
{% endfor %}
<ul>
{% for user in people %}<li><button name="user_id" value="{{ user.id }}">
<strong>{{ user.display_name }}</strong> <span>{{ user.about }}</span></button></li>
{% endfor %}
</ul>
<p><button name="deny" value="1">Do not log in</button></p>
</form>
{% endif %}
</main>
</body>
</html>
"""


def login_page(
    people: Iterable[User], parameters: Mapping[str, str], *, application: str
) -> Response:
    """The form that lets one choose a person; it carries the request's parameters along."""
    text = render_template_string(
        _LOGIN, people=list(people), parameters=parameters, application=application
    )
    return make_response(text)


def trouble_page(trouble: str, *, status: int) -> Response:
    """Why there is no way back to the application: its request cannot be trusted."""
    return make_response(render_template_string(_LOGIN, trouble=trouble), status)
