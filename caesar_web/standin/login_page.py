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
:root {
  color-scheme: light dark;
  --page: #f6f6f6; --surface: #fff; --text: #2d2d2d; --quiet: #5c5c5c; --line: #767676;
  --accent: #005d69;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #1c1f20; --surface: #2a2e30; --text: #eee; --quiet: #b4b9ba; --line: #8b9294;
    --accent: #addde0;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--text); font: 1rem/1.5 system-ui, sans-serif;
}
main { max-width: 38rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { margin: 0 0 .5rem; font-size: 1.75rem; line-height: 1.2; }
p { margin: 0 0 1rem; }
ul { margin: 0 0 1.5rem; padding: 0; list-style: none; }
li { margin: 0 0 .75rem; }
button {
  padding: .625rem 1rem; border: 1px solid var(--line); border-radius: .5rem;
  background: var(--surface); color: var(--text); font: inherit; text-align: left; cursor: pointer;
}
button:hover { border-color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
li button { display: grid; grid-template-columns: 1fr auto; gap: 0 1rem; width: 100%; }
.role { color: var(--accent); }
.about { grid-column: 1 / -1; color: var(--quiet); }
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
<strong>{{ user.display_name }}</strong> <span class="role">{{ user.role }}</span>
<span class="about">{{ user.about }}</span></button></li>
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
