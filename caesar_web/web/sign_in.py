"""Signing in with Zooniverse, and out; who is signed in, until when, and as what."""

import hmac
from typing import Any

from flask import Blueprint, Response, flash, redirect, request, session, url_for
from flask_wtf.csrf import generate_csrf
from werkzeug.wrappers import Response as AnyResponse

from caesar_web.access import own_paths, parts, trail
from caesar_web.access.identity import (
    Identity,
    act_as_admin,
    comes_with_session,
    identity,
    sign_in,
    sign_out,
)
from caesar_web.access.negotiation import wants_page
from caesar_web.access.permissions import permit
from caesar_web.api.rendering import as_response
from caesar_web.domain.classification import timestamp
from caesar_web.panoptes.bearer import InvalidToken
from caesar_web.panoptes.errors import PanoptesError
from caesar_web.panoptes.people import Refused
from caesar_web.store.db import db
from caesar_web.web import errors
from caesar_web.web.pages import page

blueprint = Blueprint("sign_in", __name__)

AGAIN = "This sign-in did not begin in this browser, or has been used already. Please try again."


@blueprint.route("/auth/zooniverse", methods=["GET", "POST"])
@permit("sign in and out")
def start() -> AnyResponse:
    """Sends the browser to Panoptes; when another site has sent it here, people are asked first."""
    if request.method == "GET" and request.headers.get("Sec-Fetch-Site") == "cross-site":
        return page("sign_in.html")
    if request.method == "GET" and "to" in request.args:
        own_paths.remember(request.args["to"])
    departure = parts.people().departure(_callback())
    session["departure"] = [departure.state, departure.verifier]
    return redirect(departure.url)


@blueprint.get("/auth/zooniverse/callback")
@permit("sign in and out")
def arrive() -> AnyResponse:
    """Comes back from Panoptes: with a code that becomes a session, or with a refusal."""
    expected, verifier = session.pop("departure", ["", ""])
    state = request.args.get("state", "")
    if not expected or not hmac.compare_digest(state.encode(), expected.encode()):
        return _failed(AGAIN, status=400)
    if "error" in request.args:
        return _failed("You did not sign in: Zooniverse was told not to go on.", status=403)
    try:
        tokens = parts.people().arrive(
            _callback(), code=request.args.get("code", ""), verifier=verifier
        )
        claims = parts.public_keys().verify(tokens.access, now=parts.now())
    except (Refused, InvalidToken) as problem:
        return _failed(f"Zooniverse did not confirm who you are: {problem}", status=403)
    except PanoptesError as problem:
        return _failed(f"Zooniverse cannot be reached: {problem.message}", status=503)
    if not sign_in(claims, tokens):
        return _failed("Zooniverse gave a token that is about to expire.", status=503)
    with db.session.begin():
        trail.note(db.session(), "signed in")
    if "draft" in session:
        flash("You are signed in again. What you typed is back, and not saved yet.")
    return redirect(own_paths.take(url_for("sign_in.who")))


@blueprint.get("/session")
@permit("sign in and out")
def who() -> AnyResponse:
    """Who is signed in here."""
    caller = identity()
    if wants_page():
        return page("session.html")
    return as_response(_described(caller))


@blueprint.delete("/session")
@blueprint.post("/session/end")
@permit("sign in and out")
def end() -> AnyResponse:
    """Ends this browser's session, and no other."""
    if comes_with_session():
        with db.session.begin():
            trail.note(db.session(), "signed out")
        sign_out()
        flash("You are signed out.")
    return redirect(url_for("sign_in.who"))


@blueprint.post("/session/admin")
@permit("act as administrator")
def admin() -> AnyResponse:
    """Turns an administrator's rights on or off, for this session."""
    caller, wanted = identity(), request.form.get("on") == "1"
    if caller is not None and caller.by_session and caller.is_admin:
        act_as_admin(wanted)
        with db.session.begin():
            trail.note(db.session(), f"turned administrator {'on' if wanted else 'off'}")
        flash("You act as administrator now." if wanted else "You act as yourself again.")
    return redirect(url_for("sign_in.who"))


def _described(caller: Identity | None) -> dict[str, Any]:
    if caller is None:
        return {"id": None, "csrf_token": generate_csrf()}
    return {
        "id": caller.user_id,
        "login": caller.login,
        "display_name": caller.name,
        "admin": caller.is_admin,
        "acts_as_admin": caller.acts_as_admin,
        "expires_at": timestamp(caller.expires_at),
        **({"csrf_token": generate_csrf()} if caller.by_session else {}),
    }


def _callback() -> str:
    base = parts.config().public_url or request.host_url.rstrip("/")
    return base + url_for("sign_in.arrive")


def _failed(text: str, *, status: int) -> Response:
    trail.refused("sign in", status=status)
    return errors.page("You are not signed in", text, status=status, sign_in=True)
