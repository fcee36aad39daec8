"""Reports to Sentry what was logged as an error, where that is wanted, and nothing about people."""

import logging
from typing import TYPE_CHECKING, Any, cast

from caesar_web import logs
from caesar_web.config import Config, InvalidSetting

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

# Nothing else of an event is sent: not the request, its body, who made it, or local variables.
SENT = {
    "event_id",
    "timestamp",
    "platform",
    "level",
    "logger",
    "logentry",
    "exception",
    "release",
    "environment",
    "server_name",
    "sdk",
}


def begin(config: Config) -> None:
    """From now on what is logged as an error is reported. Raises InvalidSetting where it cannot."""
    if not config.sentry_dsn:
        return
    try:
        import sentry_sdk
        from sentry_sdk.utils import BadDsn
    except ImportError:
        raise InvalidSetting(
            "SENTRY_DSN: needs the package sentry-sdk: pip install 'caesar-web[sentry]'"
        ) from None
    try:
        sentry_sdk.init(**_options(config))
    except BadDsn:
        raise InvalidSetting("SENTRY_DSN: must be a DSN as Sentry gives it") from None


def _options(config: Config) -> dict[str, Any]:
    """Sentry's own choice of integrations would send requests, calls and statements along."""
    from sentry_sdk.integrations.atexit import AtexitIntegration
    from sentry_sdk.integrations.logging import LoggingIntegration

    return {
        "dsn": config.sentry_dsn,
        "release": config.commit_id or "unknown",
        "environment": config.environment,
        "default_integrations": False,
        "auto_enabling_integrations": False,
        "integrations": [
            LoggingIntegration(level=None, event_level=logging.ERROR),
            AtexitIntegration(callback=lambda pending, timeout: None),
        ],
        "before_send": scrubbed,
        "send_default_pii": False,
        "include_local_variables": False,
        "max_request_body_size": "never",
        "max_breadcrumbs": 0,
        "auto_session_tracking": False,
        "send_client_reports": False,
    }


def scrubbed(event: "Event", hint: "Hint") -> "Event":
    """What of an event may leave: where something went wrong, with which ids, and no answers."""
    known: dict[str, Any] = {name: value for name, value in event.items() if name in SENT}
    values = (known.get("exception") or {}).get("values") or []
    for told in values:
        told["value"] = ""
        for frame in (told.get("stacktrace") or {}).get("frames") or []:
            frame.pop("vars", None)
    problem = (hint.get("exc_info") or (None, None, None))[1]
    if values and problem is not None:
        values[-1]["value"] = logs.harmless_text(problem)
    if entry := known.get("logentry"):
        known["logentry"] = {"message": entry.get("formatted") or entry.get("message")}
    return cast("Event", {**known, "tags": logs.ids()})
