"""Which tokens are good: those of the stand-in, and forged, odd and hostile ones."""

import base64
import hmac
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import RSAKey

from caesar_web.panoptes.bearer import TOKEN_LIMIT, Claims, InvalidToken, KeysMissing, PublicKeys
from tests.standin.server import Clock, StandinServer

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
EXPIRY = int(NOW.timestamp()) + 7200
DATA = {"id": 2, "login": "alice", "dname": "Alice", "scope": ["user", "public"], "admin": False}
CLAIMS = {"data": DATA, "exp": EXPIRY, "iss": "pan-prod", "rng": "9f3c"}
GOOD = Claims(2, "alice", "Alice", False, NOW + timedelta(hours=2))
ALL = ["RS256", "RS384", "RS512", "PS512"]


@pytest.fixture(scope="module")
def key() -> RSAKey:
    return RSAKey.generate_key(2048)


@pytest.fixture(scope="module")
def other_key() -> RSAKey:
    return RSAKey.generate_key(2048)


@pytest.fixture(scope="module")
def keys(key: RSAKey) -> PublicKeys:
    return PublicKeys(pem(key))


def pem(key: RSAKey) -> str:
    return key.as_pem(private=False).decode()


def token(key: RSAKey, claims: Any = None, **header: Any) -> str:
    """A token with these claims, and more in its header than Panoptes has there."""
    headers = {"typ": "JWT", "alg": "RS512", **header}
    payload = json.dumps(CLAIMS if claims is None else claims)
    return jws.serialize_compact(headers, payload, key, algorithms=ALL)


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def by_hand(header: Any, payload: Any, signature: bytes = b"") -> str:
    parts = (json.dumps(header).encode(), json.dumps(payload).encode(), signature)
    return ".".join(map(encoded, parts))


def refusal(keys: PublicKeys, text: str) -> str:
    with pytest.raises(InvalidToken) as caught:
        keys.verify(text, now=NOW)
    said = str(caught.value)
    assert len(text) < 20 or text not in said
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return said


def test_a_good_token(keys: PublicKeys, key: RSAKey) -> None:
    assert keys.verify(token(key), now=NOW) == GOOD


def test_the_tokens_of_the_standin(standin: StandinServer, clock: Clock) -> None:
    keys = PublicKeys(standin.public_key_pem)
    now = datetime.fromtimestamp(clock(), UTC)
    claims = keys.verify(standin.token(2), now=now)
    assert claims == Claims(2, "alice", "Alice", False, now + timedelta(hours=2))
    assert keys.verify(standin.token(1), now=now).is_admin
    for bad in (standin.token(2, foreign=True), standin.token(2, ttl=-60)):
        with pytest.raises(InvalidToken):
            keys.verify(bad, now=now)


def test_a_token_expires_on_the_second(keys: PublicKeys, key: RSAKey) -> None:
    text = token(key)
    assert keys.verify(text, now=GOOD.expires_at - timedelta(microseconds=1)) == GOOD
    with pytest.raises(InvalidToken, match="expired"):
        keys.verify(text, now=GOOD.expires_at)


def test_b7a_what_is_not_a_token_is_refused_without_a_call(
    socket_disabled: None, keys: PublicKeys, key: RSAKey
) -> None:
    assert keys.verify(token(key), now=NOW) == GOOD
    for text in (
        "",
        ".",
        "..",
        "a.b.c",
        "garbage",
        "é.é.é",
        "\ud800",
        "Bearer x",
        "=.=.=",
        ".....",
    ):
        refusal(keys, text)


def test_none_as_the_algorithm(keys: PublicKeys) -> None:
    for name in ("none", "None", "", None):
        refusal(keys, by_hand({"typ": "JWT", "alg": name}, CLAIMS))


@pytest.mark.parametrize("digest", ["sha256", "sha512"])
def test_the_public_key_as_a_shared_secret(keys: PublicKeys, key: RSAKey, digest: str) -> None:
    for secret in (pem(key), pem(key).strip()):
        name = digest.replace("sha", "HS")
        signed = by_hand({"typ": "JWT", "alg": name}, CLAIMS).removesuffix(".")
        signature = hmac.digest(secret.encode(), signed.encode(), digest)
        refusal(keys, f"{signed}.{encoded(signature)}")
        claimed = by_hand({"typ": "JWT", "alg": "RS512"}, CLAIMS).removesuffix(".")
        signature = hmac.digest(secret.encode(), claimed.encode(), digest)
        assert "not signed by" in refusal(keys, f"{claimed}.{encoded(signature)}")


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "PS512"])
def test_another_algorithm_of_the_right_key(keys: PublicKeys, key: RSAKey, algorithm: str) -> None:
    refusal(keys, token(key, alg=algorithm))


def test_a_key_that_the_token_brings_or_names(
    keys: PublicKeys, key: RSAKey, other_key: RSAKey
) -> None:
    for signer in (other_key, key):
        for more in (
            {"jwk": other_key.as_dict(private=False)},
            {"jku": "https://elsewhere.example/keys"},
            {"x5u": "https://elsewhere.example/keys"},
            {"kid": "../../dev/null"},
        ):
            refusal(keys, token(signer, **more))


ODD_VALUES: list[dict[str, object]] = [{"alg": ["RS512"]}, {"alg": {}}, {"typ": "jwt"}]
ODD_CRITICALS: list[object] = [7, None, [], ["exp"], [["b64"]]]


@pytest.mark.parametrize(
    "header",
    [
        *("alg", "alg b64", ["alg"], ["alg", "b64"], 7, None, True, [], {}),
        *({"alg": "RS512", **odd} for odd in ODD_VALUES),
        *({"alg": "RS512", "crit": odd} for odd in ODD_CRITICALS),
        *({"alg": "RS512", "crit": ["b64"], "b64": odd} for odd in (0, None, False)),
    ],
    ids=repr,
)
def test_a_header_of_another_shape(keys: PublicKeys, header: object) -> None:
    refusal(keys, by_hand(header, CLAIMS, b"signature"))


def test_an_unencoded_payload(keys: PublicKeys, key: RSAKey) -> None:
    header = {"alg": "RS512", "b64": False, "crit": ["b64"]}
    refusal(keys, jws.serialize_compact(header, "payload", key, algorithms=["RS512"]))


def test_a_foreign_signature(keys: PublicKeys, key: RSAKey, other_key: RSAKey) -> None:
    assert "not signed by" in refusal(keys, token(other_key))
    header, _, signature = token(key).split(".")
    forged = encoded(json.dumps({**CLAIMS, "data": {**DATA, "admin": True}}).encode())
    assert "not signed by" in refusal(keys, f"{header}.{forged}.{signature}")
    refusal(keys, f"{header}.{forged}.")


@pytest.mark.parametrize(
    "expiry",
    [
        *(None, True, "soon", str(EXPIRY), [EXPIRY], {}, float(EXPIRY), float("nan")),
        *(float("inf"), 0, -1, 10**12, 10**30, 10**4000, int(NOW.timestamp()) - 1),
    ],
    ids=lambda value: str(value)[:20],
)
def test_an_odd_expiry(keys: PublicKeys, key: RSAKey, expiry: object) -> None:
    refusal(keys, token(key, {**CLAIMS, "exp": expiry}))


def test_a_token_without_an_expiry(keys: PublicKeys, key: RSAKey) -> None:
    refusal(keys, token(key, {name: CLAIMS[name] for name in ("data", "iss", "rng")}))


def test_the_last_expiry_that_a_date_can_say(keys: PublicKeys, key: RSAKey) -> None:
    claims = keys.verify(token(key, {**CLAIMS, "exp": 253_402_300_799}), now=NOW)
    assert claims.expires_at == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    refusal(keys, token(key, {**CLAIMS, "exp": 253_402_300_800}))


@pytest.mark.parametrize(
    "over",
    [
        *({"id": value} for value in (None, 0, -1, "2", 2.0, True, [2], 2**63)),
        *({name: value} for name in ("login", "dname") for value in (None, "", 7, ["alice"])),
        *({name: "x" * 256} for name in ("login", "dname")),
        *({"login": f"ali{odd}ce"} for odd in "\0\n\r\t\x1b\x7f\x85\u2028"),
        {"dname": "Ali\0ce"},
        {"dname": "Alice\ud800"},
    ],
    ids=repr,
)
def test_a_person_without_a_proper_name_or_number(
    keys: PublicKeys, key: RSAKey, over: dict[str, object]
) -> None:
    refusal(keys, token(key, {**CLAIMS, "data": {**DATA, **over}}))


def test_names_may_be_in_any_script(keys: PublicKeys, key: RSAKey) -> None:
    data = {**DATA, "id": 2**63 - 1, "login": "x" * 255, "dname": "Zoë 🧑\u200d🚀 山田"}
    claims = keys.verify(token(key, {**CLAIMS, "data": data}), now=NOW)
    assert (claims.user_id, claims.login, claims.name) == (2**63 - 1, "x" * 255, data["dname"])


@pytest.mark.parametrize("admin", [None, False, 1, 1.0, "true", "false", [True], {}])
def test_only_true_makes_an_admin(keys: PublicKeys, key: RSAKey, admin: object) -> None:
    claims = {**CLAIMS, "data": {**DATA, "admin": admin}}
    assert keys.verify(token(key, claims), now=NOW) == GOOD
    claims = {**CLAIMS, "data": {**DATA, "admin": True}}
    assert keys.verify(token(key, claims), now=NOW).is_admin


def test_issuers(keys: PublicKeys, key: RSAKey) -> None:
    for good in ("pan-prod", "pan-stag", "pan-deve", "pan-test"):
        assert keys.verify(token(key, {**CLAIMS, "iss": good}), now=NOW) == GOOD
    for bad in (None, "", "PAN-PROD", "pan-prod ", "https://panoptes.zooniverse.org", ["pan-prod"]):
        refusal(keys, token(key, {**CLAIMS, "iss": bad}))


@pytest.mark.parametrize("data", [None, [], "alice", 2, True, [DATA]])
def test_data_of_another_shape(keys: PublicKeys, key: RSAKey, data: object) -> None:
    refusal(keys, token(key, {**CLAIMS, "data": data}))


@pytest.mark.parametrize(
    "payload", [b"", b"[]", b"7", b"\xff\xfe", b"{", b"[" * 4000, b'{"exp":' + b"9" * 4400 + b"}"]
)
def test_a_signed_payload_that_is_no_object(keys: PublicKeys, key: RSAKey, payload: bytes) -> None:
    refusal(keys, jws.serialize_compact({"alg": "RS512"}, payload, key, algorithms=["RS512"]))


def test_a_long_token_is_refused_before_it_is_parsed(keys: PublicKeys, key: RSAKey) -> None:
    long = token(key, {**CLAIMS, "more": "x" * TOKEN_LIMIT})
    assert refusal(keys, long) == "The token is too long"
    assert refusal(PublicKeys("/nowhere"), "x" * 10_000_000) == "The token is too long"
    assert keys.verify(token(key, {**CLAIMS, "more": "x" * 4000}), now=NOW) == GOOD


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["alg", "typ", "crit", "b64", "data", "exp", "iss", "id", "login"])
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(header=json_values, payload=json_values, signature=st.binary(max_size=300))
def test_any_header_is_refused_decently(
    keys: PublicKeys, header: Any, payload: Any, signature: bytes
) -> None:
    refusal(keys, by_hand(header, payload, signature))


@settings(max_examples=50, deadline=None)
@given(payload=json_values)
def test_any_signed_claims_are_refused_decently(
    keys: PublicKeys, key: RSAKey, payload: Any
) -> None:
    body = json.dumps(payload)
    refusal(keys, jws.serialize_compact({"alg": "RS512"}, body, key, algorithms=["RS512"]))


@given(text=st.text())
def test_any_text_is_refused_decently(keys: PublicKeys, text: str) -> None:
    refusal(keys, text)


def test_several_keys_in_the_setting(key: RSAKey, other_key: RSAKey) -> None:
    for text in (pem(key) + pem(other_key), f"\n{pem(other_key)}\n\n{pem(key)}"):
        keys = PublicKeys(text)
        assert keys.verify(token(key), now=NOW) == GOOD
        assert keys.verify(token(other_key), now=NOW) == GOOD


@pytest.mark.parametrize("between", [" ", ",", ", ", "\n"])
def test_several_files(tmp_path: Path, key: RSAKey, other_key: RSAKey, between: str) -> None:
    paths = (tmp_path / "old.pub", tmp_path / "new.pub")
    for path, kept in zip(paths, (key, other_key), strict=True):
        path.write_text(pem(kept))
    keys = PublicKeys(between.join(map(str, paths)))
    assert keys.verify(token(key), now=NOW) == GOOD
    assert keys.verify(token(other_key), now=NOW) == GOOD


def test_a_path_with_blanks(tmp_path: Path, key: RSAKey) -> None:
    path = tmp_path / "the keys, all" / "of Panoptes.pub"
    path.parent.mkdir()
    path.write_text(pem(key))
    assert PublicKeys(str(path)).verify(token(key), now=NOW) == GOOD


def test_a_file_that_comes_later_and_changes(
    tmp_path: Path, key: RSAKey, other_key: RSAKey
) -> None:
    path = tmp_path / "panoptes.pub"
    keys = PublicKeys(str(path))
    with pytest.raises(KeysMissing, match=r"^PANOPTES_PUBLIC_KEY: "):
        keys.verify(token(key), now=NOW)
    path.write_text(pem(key))
    assert keys.verify(token(key), now=NOW) == GOOD
    path.write_text(pem(other_key))  # at once: a file's time of change may well be the same
    assert keys.verify(token(other_key), now=NOW) == GOOD
    assert "not signed by" in refusal(keys, token(key))
    path.unlink()
    with pytest.raises(KeysMissing):
        keys.verify(token(other_key), now=NOW)


def public_pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | Ed25519PrivateKey) -> str:
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return public.decode()


def test_keys_that_will_not_do(tmp_path: Path, key: RSAKey) -> None:
    good = pem(key)
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - to be refused
    path = tmp_path / "key"
    for text in (
        *("", " ", "garbage", "\0", "x" * 5000),
        public_pem(small),
        good + public_pem(small),
        public_pem(ec.generate_private_key(ec.SECP256R1())),
        public_pem(Ed25519PrivateKey.generate()),
        key.as_pem(private=True).decode(),
        good + key.as_pem(private=True).decode(),
        good[: len(good) // 2],
        good.replace("A", "!"),
        "".join(line for line in good.splitlines(keepends=True) if not line.startswith("MII")),
    ):
        path.write_text(text)
        for setting in (text, str(path)):
            with pytest.raises(KeysMissing, match=r"^PANOPTES_PUBLIC_KEY: ") as caught:
                PublicKeys(setting).verify(token(key), now=NOW)
            assert "MII" not in str(caught.value)
    with pytest.raises(KeysMissing):
        PublicKeys(str(tmp_path)).verify(token(key), now=NOW)
    with pytest.raises(KeysMissing):
        PublicKeys(f"{path} {tmp_path / 'missing'}").verify(token(key), now=NOW)


def test_b7a_garbage_is_refused_even_without_keys() -> None:
    refusal(PublicKeys("/nowhere/panoptes.pub"), "garbage")


def test_threads_share_the_keys(tmp_path: Path, key: RSAKey, other_key: RSAKey) -> None:
    path = tmp_path / "panoptes.pub"
    both = pem(key) + pem(other_key)
    path.write_text(both)
    keys = PublicKeys(str(path))
    texts = (token(key), token(other_key))

    def verify(number: int) -> Claims:
        whole = path.with_name(str(number))
        whole.write_text(both + "\n" * (number % 7))
        whole.replace(path)
        return keys.verify(texts[number % 2], now=NOW)

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(verify, range(80))) == {GOOD}
