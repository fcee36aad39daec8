"""The application as it serves: pages, the API, and what guards every request."""

from collections.abc import Callable
from datetime import datetime

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from caesar_web.access import identity, permissions
from caesar_web.api import (
    addresses,
    conditional,
    effects,
    extracts,
    graphql,
    metrics,
    openapi,
    parts,
    probes,
    reductions,
    stream,
)
from caesar_web.api import rules as rules_api
from caesar_web.config import Config
from caesar_web.core import create_core, utc_now
from caesar_web.web import activity as activity_pages
from caesar_web.web import (
    calls,
    csrf,
    data_requests,
    errors,
    export_files,
    extractors,
    failures,
    freezes,
    graphql_page,
    headers,
    help,
    history,
    hosts,
    layout,
    operations,
    projects,
    proposals,
    recipes,
    reducers,
    rejected,
    request_ids,
    rules,
    sign_in,
    status,
    subjects,
    trail,
    users,
    wordings,
    workflows,
)
from caesar_web.web import configuration as configuration_pages
from caesar_web.web import runs as run_pages

MOST_BYTES = 4 * 1024 * 1024  # of a request; the stream has a limit of its own
BLUEPRINTS = (
    status.blueprint,
    sign_in.blueprint,
    help.blueprint,
    projects.blueprint,
    data_requests.blueprint,
    data_requests.of_projects,
    export_files.blueprint,
    rules.blueprint,
    proposals.blueprint,
    recipes.blueprint,
    extractors.blueprint,
    reducers.blueprint,
    reducers.of_projects,
    calls.blueprint,
    calls.of_projects,
    workflows.blueprint,
    wordings.blueprint,
    configuration_pages.blueprint,
    activity_pages.blueprint,
    hosts.blueprint,
    freezes.blueprint,
    run_pages.blueprint,
    run_pages.of_projects,
    history.blueprint,
    subjects.blueprint,
    users.blueprint,
    trail.blueprint,
    extracts.blueprint,
    reductions.blueprint,
    operations.blueprint,
    failures.blueprint,
    rejected.blueprint,
    graphql_page.blueprint,
    effects.blueprint,
    parts.blueprint,
    rules_api.blueprint,
    stream.blueprint,
    graphql.blueprint,
    metrics.blueprint,
    probes.blueprint,
    openapi.blueprint,
)


def create_app(
    config: Config, *, pool_size: int | None = None, clock: Callable[[], datetime] = utc_now
) -> Flask:
    """The application; `pool_size` is the number of threads that will use the database."""
    app = create_core(config, pool_size=pool_size or config.web_threads, clock=clock)
    app.config["SECRET_KEY"] = config.secret_key
    app.config["MAX_CONTENT_LENGTH"] = MOST_BYTES
    app.config["MAX_FORM_MEMORY_SIZE"] = MOST_BYTES  # for lists of ids
    app.config["SESSION_COOKIE_NAME"] = "caesar_session"
    app.config["SESSION_COOKIE_HTTPONLY"] = True
    app.config["SESSION_COOKIE_SAMESITE"] = "Lax"
    app.config["SESSION_COOKIE_SECURE"] = not config.development
    _guard(app, config)
    addresses.tolerate(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    return app


def _guard(app: Flask, config: Config) -> None:
    """Every request: who it is, whether they may, whether it is forged. Every answer's headers."""
    if config.trusted_proxies:
        hops = config.trusted_proxies
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]  # as Flask documents it
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops
        )
    app.wsgi_app = request_ids.with_ids(  # type: ignore[method-assign,assignment]  # likewise
        app.wsgi_app
    )
    app.before_request(request_ids.name_what_it_is_about)
    identity.begin_sessions(app)
    csrf.protect(app, stream.blueprint, graphql.blueprint)
    app.before_request(permissions.check)
    app.before_request(csrf.check)
    app.after_request(conditional.tag)
    app.after_request(headers.add)
    errors.register(app)
    layout.register(app)
