"""What requests share: the configuration, the clock, and one of each part of the process."""

from collections.abc import Callable
from datetime import datetime

from flask import current_app

from caesar_web.config import Config
from caesar_web.external.http import GuardedClient
from caesar_web.jobs import tasks
from caesar_web.panoptes.bearer import PublicKeys
from caesar_web.panoptes.client import Panoptes
from caesar_web.panoptes.listings import TIMEOUT, Listings
from caesar_web.panoptes.people import People


class SwiftPanoptes(Panoptes):
    """Panoptes as the service account sees it, for pages that somebody waits for."""


class SwiftGuarded(GuardedClient):
    """Calls addresses for pages that somebody waits for."""


def config() -> Config:
    found: Config = current_app.extensions["caesar_config"]
    return found


def now() -> datetime:
    """The moment by the application's clock."""
    clock: Callable[[], datetime] = current_app.extensions["caesar_clock"]
    return clock()


def people() -> People:
    """Panoptes, as people see it with tokens of their own."""
    return tasks.once(
        People,
        lambda: People(
            config().panoptes_url,
            config().panoptes_client_id,
            config().panoptes_client_secret,
            now=lambda: now().timestamp(),
        ),
    )


def listings() -> Listings:
    """Panoptes' lists, for pages that offer choices."""
    return tasks.once(
        Listings, lambda: Listings(config().panoptes_url, now=lambda: now().timestamp())
    )


def swift_panoptes() -> SwiftPanoptes:
    """The service account's client that soon gives up."""
    return tasks.once(
        SwiftPanoptes,
        lambda: SwiftPanoptes(
            config().panoptes_url,
            config().panoptes_client_id,
            config().panoptes_client_secret,
            timeout=TIMEOUT,
        ),
    )


def swift_guarded() -> SwiftGuarded:
    """The client for media of subjects; in development the stand-in serves them without TLS."""
    return tasks.once(
        SwiftGuarded,
        lambda: SwiftGuarded(
            http_to_loopback=config().development, timeout=TIMEOUT, most_seconds=sum(TIMEOUT)
        ),
    )


def public_keys() -> PublicKeys:
    return tasks.once(PublicKeys, lambda: PublicKeys(config().panoptes_public_key))
