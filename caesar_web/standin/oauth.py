"""OAuth: who logs in, codes, and tokens; with the answers that Panoptes gives."""

import base64
import hashlib
import secrets
from urllib.parse import urlencode, urlsplit, urlunsplit

from flask import Blueprint, Response, jsonify, redirect, request, session
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as BaseResponse

from caesar_web.standin.access import as_id
from caesar_web.standin.grants import CODE_SECONDS, Application, Code, Refresh
from caesar_web.standin.login_page import login_page, trouble_page
from caesar_web.standin.sessions import check_password
from caesar_web.standin.state import State, current_state
from caesar_web.standin.world import JSON, User

blueprint = Blueprint("oauth", __name__, url_prefix="/oauth")

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
CARRIED = (
    *("client_id", "redirect_uri", "response_type", "scope", "state"),
    *("code_challenge", "code_challenge_method"),
)
DENIED = "The resource owner or authorization server denied the request."
BAD_GRANT = (
    "The provided authorization grant is invalid, expired, revoked, does not match the redirection "
    "URI used in the authorization request, or was issued to another client."
)
BAD_CLIENT = (
    "Client authentication failed due to unknown client, no client authentication included, "
    "or unsupported authentication method."
)


class Refused(Exception):
    """A token request that is refused: the status and the `error` of OAuth; no error, no body."""

    def __init__(self, status: int, error: str = "", description: str = "") -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.description = description


@blueprint.errorhandler(Refused)
def refused(reason: Refused) -> Response:
    if not reason.error:
        return Response(status=reason.status)
    answer = jsonify(error=reason.error, error_description=reason.description)
    answer.status_code = reason.status
    return answer


@blueprint.route("/authorize", methods=["GET", "POST"])
def authorize() -> BaseResponse:
    """The login page; the choice comes back as a POST, or with `as=<login or id>` in the query."""
    state = current_state()
    asked = request.values
    application = state.grants.applications.get(asked.get("client_id", ""))
    if application is None:
        return trouble_page(BAD_CLIENT, status=401)
    if not _is_loopback(asked.get("redirect_uri", "")):
        return trouble_page("The redirect uri included is not valid.", status=400)
    scopes = _scopes(application, asked.get("scope", ""))
    if asked.get("response_type") != "code" or "authorization_code" not in application.grant_types:
        raise Refused(422)
    if "deny" in request.form:
        return _back({"error": "access_denied", "error_description": DENIED})
    chosen = request.form.get("user_id") or request.args.get("as")
    if chosen is None:
        carried = {name: asked[name] for name in CARRIED if name in asked}
        with state.lock:
            people = [user for user in state.world.users.values() if user.role]
        return login_page(people, carried, application=application.name)
    with state.lock:
        user = _user(state, chosen)
        if user is None:
            return trouble_page(f"There is nobody called {chosen!r}.", status=404)
        return _back({"code": state.grants.new_code(_code(state, user, scopes))})


@blueprint.post("/token")
def token() -> Response:
    state = current_state()
    form = request.form
    grants = {
        "authorization_code": _by_code,
        "client_credentials": _by_credentials,
        "password": _by_password,
        "refresh_token": _by_refresh_token,
    }
    with state.lock:
        application = _client(state)
        grant_type = form.get("grant_type", "")
        if grant_type not in grants:
            raise Refused(400, "unsupported_grant_type", "The grant type is not supported.")
        if grant_type not in application.grant_types:
            raise Refused(422)
        answer = jsonify(grants[grant_type](state, application, form))
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _by_code(state: State, application: Application, form: MultiDict[str, str]) -> JSON:
    _require_secret(application)
    code = state.grants.codes.pop(form.get("code", ""), None)
    if (
        code is None
        or code.expires_at <= state.now()
        or code.client_id != application.client_id
        or _without_query(code.redirect_uri) != _without_query(form.get("redirect_uri", ""))
        or not _proves(form.get("code_verifier", ""), code.challenge)
    ):
        raise Refused(401, "invalid_grant", BAD_GRANT)
    return _with_refresh(
        state, application, user=state.world.users[code.user_id], scopes=code.scopes
    )


def _by_credentials(state: State, application: Application, form: MultiDict[str, str]) -> JSON:
    _require_secret(application)
    scopes = _scopes(application, form.get("scope", ""))
    owner = state.world.users[application.owner_id]
    return state.grants.issue(state.settings.keys, owner, scopes=scopes, now=state.now())


def _by_password(state: State, application: Application, form: MultiDict[str, str]) -> JSON:
    login = form.get("login") or form.get("username")
    if login:
        user = check_password(state, login, form.get("password", ""))
    else:
        user = state.world.users.get(session.get("user_id", 0))
    if user is None:
        raise Refused(401, "invalid_grant", BAD_GRANT)
    scopes = _scopes(application, form.get("scope", ""))
    return _with_refresh(state, application, user=user, scopes=scopes)


def _by_refresh_token(state: State, application: Application, form: MultiDict[str, str]) -> JSON:
    text = form.get("refresh_token", "")
    kept = state.grants.refreshes.get(text)
    if kept is None or kept.client_id != application.client_id:
        raise Refused(401, "invalid_grant", BAD_GRANT)
    del state.grants.refreshes[text]
    user = state.world.users[kept.user_id]
    return _with_refresh(state, application, user=user, scopes=kept.scopes)


def _with_refresh(
    state: State, application: Application, *, user: User, scopes: tuple[str, ...]
) -> JSON:
    answer = state.grants.issue(state.settings.keys, user, scopes=scopes, now=state.now())
    refresh = Refresh(client_id=application.client_id, user_id=user.id, scopes=scopes)
    return answer | {"refresh_token": state.grants.new_refresh(refresh)}


def _client(state: State) -> Application:
    """The application that asks; a secret that is given must be right, in the body or as Basic."""
    basic = request.authorization if request.authorization else None
    named = basic.username if basic and basic.type == "basic" else request.form.get("client_id")
    application = state.grants.applications.get(named or "")
    if application is None or (_given_secret() and not application.accepts_secret(_given_secret())):
        raise Refused(401, "invalid_client", BAD_CLIENT)
    return application


def _given_secret() -> str:
    basic = request.authorization
    if basic and basic.type == "basic":
        return basic.password or ""
    return request.form.get("client_secret", "")


def _require_secret(application: Application) -> None:
    if not application.accepts_secret(_given_secret()):
        raise Refused(401, "invalid_client", BAD_CLIENT)


def _scopes(application: Application, text: str) -> tuple[str, ...]:
    """The scopes asked for, all of which must be the application's; all of them when none is."""
    asked = tuple(dict.fromkeys(text.split()))
    if not set(asked) <= set(application.scopes):
        raise Refused(422)
    return asked or application.scopes


def _code(state: State, user: User, scopes: tuple[str, ...]) -> Code:
    challenge = request.values.get("code_challenge", "")
    if challenge and request.values.get("code_challenge_method") != "S256":
        raise Refused(422)
    return Code(
        client_id=request.values["client_id"],
        user_id=user.id,
        redirect_uri=request.values["redirect_uri"],
        scopes=scopes,
        challenge=challenge,
        expires_at=state.now() + CODE_SECONDS,
    )


def _proves(verifier: str, challenge: str) -> bool:
    """PKCE, for clients that use it: Panoptes checks a challenge when it was given one."""
    if not challenge:
        return True
    digest = hashlib.sha256(verifier.encode()).digest()
    proof = base64.urlsafe_b64encode(digest).rstrip(b"=")
    return secrets.compare_digest(proof, challenge.encode())


def _user(state: State, chosen: str) -> User | None:
    user_id = as_id(chosen)
    found = None if user_id is None else state.world.users.get(user_id)
    return found or state.world.user_by_login(chosen)


def _back(answer: dict[str, str]) -> BaseResponse:
    redirect_uri = request.values["redirect_uri"]
    if state := request.values.get("state"):
        answer = {**answer, "state": state}
    separator = "&" if urlsplit(redirect_uri).query else "?"
    return redirect(f"{redirect_uri}{separator}{urlencode(answer)}")


def _is_loopback(redirect_uri: str) -> bool:
    try:
        parts = urlsplit(redirect_uri)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.hostname in LOOPBACK


def _without_query(redirect_uri: str) -> str:
    return urlunsplit(urlsplit(redirect_uri)._replace(query=""))
