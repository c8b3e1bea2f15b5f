"""Anything at all, sent to the pages: refused in their own words, and nobody is sent astray."""

import re
import time
from base64 import urlsafe_b64decode
from dataclasses import dataclass, field
from functools import partial
from html import unescape
from urllib.parse import urlencode, urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from issuer.metadata import AUTHORIZE, CONSENT, LOGIN, LOGIN_CALLBACK, LOGOUT, PAR
from issuer.registry import redirect_uri
from keys.signing import SigningKey
from tests.browser.browsing import SENT, Browser
from tests.builders import API, CALLBACK, PASSWORD, SECRET, VERIFIER, basic
from tests.relying_parties.builders import a_provider, a_relying_party
from tests.rfc7523.keys import a_jwks
from tests.rfc9101.builders import a_request_object

calmly = partial(  # a busy machine is no finding
    settings, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)

FORM = "application/x-www-form-urlencoded"
LOGIN_URL = "https://login.example/start"
LOGIN_KEY = SigningKey.generate("ES256", activates_at=0)
EVIL = "https://evil.example/"
SCRIPT = '"><script>alert(1)</script>'
REGISTERED = [CALLBACK, "http://127.0.0.1/callback", "http://127.0.0.1/goodbye", LOGIN_URL]

OURS = st.sampled_from(
    ["$interaction", "$form_token", "$session", "$login_interaction", "$login_token", "$stranger",
     "$owner", "$request_uri", "$id_token", "$login_challenge", "$login_response", "$code",
     "$access_token", "$request_object"]
)  # fmt: skip
"""What a person or a client may have by right; put in for these names when it is sent."""
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES = (
    OURS
    | st.sampled_from(
        ["", " ", "\0", "\r\nSet-Cookie: a=b", "%0d%0a", SCRIPT, EVIL, "//evil.example", "\u00e9",
         "javascript:alert(1)", CALLBACK, CALLBACK + "@evil.example", CALLBACK + "#", "web", "rp",
         "nobody", "http://127.0.0.1:9/callback", "http://127.0.0.1:9@evil/callback", "read",
         "http://127.0.0.1/goodbye", "openid", "read admin", "none", "login consent", "code",
         "token", "form_post", "fragment", "jwt", "form_post.jwt", "signer", "plain", "S256", "0",
         "9" * 20, "allow", "deny",
         "alice", PASSWORD, SECRET, "de", "xx en", "x" * 3000, "undefined", "null",
         "openid groups", "read nonsense", "offline_access", "read offline_access", API + "/", API,
         API + "//", "http://localhost:9/callback", "http://localhost/callback",
         "http://localhost:9@evil/callback", "http://localhost.evil.example/callback"]
    )
    | TEXTS
)  # fmt: skip
NAMES = (
    st.sampled_from(
        [*SENT, "nonce", "prompt", "max_age", "login_hint", "ui_locales", "response_mode",
         "id_token_hint", "acr_values", "resource", "request", "request_uri", "registration",
         "interaction", "form_token", "username", "password", "decision", "client_secret",
         "post_logout_redirect_uri", "login_response", "claims"]
    )
    | TEXTS
)  # fmt: skip


@dataclass(frozen=True)
class Attack:
    """A request, with the names of ``OURS`` still standing in it."""

    method: str
    path: str
    pairs: tuple[tuple[str, str], ...]
    cookie: str | None = "$session"
    behind: bytes = b""
    """Sent after the parameters as it is."""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def sent(self) -> dict[str, str]:
        """Its parameters, the last of each name."""
        return dict(self.pairs)


RP = {**SENT, "client_id": "rp", "redirect_uri": "http://127.0.0.1:5/callback", "scope": "openid"}
GOOD = {
    "agrees": Attack("POST", CONSENT, (
        ("interaction", "$interaction"), ("form_token", "$form_token"), ("decision", "allow"))),
    "asks": Attack("GET", AUTHORIZE, tuple(SENT.items())),
    "asks by form": Attack("POST", AUTHORIZE, tuple(RP.items())),
    "pushed": Attack("GET", AUTHORIZE, (("client_id", "rp"), ("request_uri", "$request_uri"))),
    "sees the question": Attack("GET", CONSENT, (("interaction", "$interaction"),)),
    "sees the login page": Attack("GET", LOGIN, (("interaction", "$login_interaction"),)),
    "logs in": Attack("POST", LOGIN, (
        ("interaction", "$login_interaction"), ("form_token", "$login_token"),
        ("username", "alice"), ("password", PASSWORD)), cookie="$stranger"),
    "comes back": Attack(
        "GET", LOGIN_CALLBACK, (("login_response", "$login_response"),), cookie="$stranger"),
    "logs out": Attack("GET", LOGOUT, (
        ("id_token_hint", "$id_token"), ("post_logout_redirect_uri", "http://127.0.0.1/goodbye"),
        ("state", "s")), cookie="$owner"),
    "logs out by form": Attack("POST", LOGOUT, (("client_id", "rp"),)),
    "looks": Attack("HEAD", AUTHORIZE, tuple(SENT.items())),
    "looks at a pushed one": Attack(
        "HEAD", AUTHORIZE, (("client_id", "rp"), ("request_uri", "$request_uri"))),
    "looks at the question": Attack("HEAD", CONSENT, (("interaction", "$interaction"),)),
    "leaves without its token": Attack("GET", LOGOUT, (("id_token_hint", "undefined"),)),
    "looks at the way out": Attack("HEAD", LOGOUT, (("id_token_hint", "$id_token"),),
                                   cookie="$owner"),
    "asks signed": Attack(
        "GET", AUTHORIZE, (("client_id", "signer"), ("request", "$request_object"))),
    "asks for a signed answer": Attack(
        "GET", AUTHORIZE, (*RP.items(), ("response_mode", "jwt"), ("prompt", "none")), "$owner"),
    "pushes": Attack("POST", PAR, tuple(RP.items()), cookie=None, headers={
        "Authorization": basic("rp")}),
}  # fmt: skip


@st.composite
def attacks(draw: st.DrawFn) -> Attack:
    """A good request with something wrong, or an altogether strange one."""
    good = draw(st.sampled_from([*GOOD.values()]))
    changed = draw(st.dictionaries(NAMES, VALUES, max_size=3))
    kept = [pair for pair in good.pairs if pair[0] not in changed]
    if draw(st.integers(0, 9)) == 0:
        kept = kept[: draw(st.integers(0, len(kept)))]
    again = draw(st.lists(st.tuples(NAMES, VALUES), max_size=1))
    cookies = st.just(good.cookie) | OURS | st.sampled_from([None, "", "x", "a b;c", "twice"])
    strange = st.sampled_from([b"", b"", b"", b"&%", b"&a=%ff", b"&=&=", b"&;", b"&x=%00"])
    headers = dict(good.headers)
    if draw(st.integers(0, 4)) == 0:
        some = st.sampled_from(["Accept-Language", "Authorization", "Content-Type", "Origin"])
        text = st.sampled_from(["de", "x;q=y, *", "Basic x", basic("web"), "text/plain", EVIL])
        headers[draw(some)] = draw(text)
    pairs = (*kept, *changed.items(), *again)
    method = good.method
    if method == "GET" and draw(st.integers(0, 4)) == 0:
        method = "HEAD"
    return Attack(method, good.path, pairs, draw(cookies), draw(strange), headers)


@dataclass
class Target:
    """A running issuer and what may be had of it by right."""

    url: str
    material: dict[str, str]
    http: httpx.Client

    def send(self, attack: Attack) -> httpx.Response:
        """The answer. What it does to cookies is forgotten."""
        pairs = [(name, self.material.get(value, value)) for name, value in attack.pairs]
        form = urlencode(pairs).encode() + attack.behind
        headers = dict(attack.headers)
        if attack.cookie is not None:
            text = f"session={self.material.get(attack.cookie, attack.cookie)}"
            headers["Cookie"] = text + "; session=y" if attack.cookie == "twice" else text
        self.http.cookies.clear()
        if attack.method != "POST":
            url = f"{self.url}{attack.path}?{form.decode()}"
            return self.http.request(attack.method, url, headers=headers)
        headers = {"Content-Type": FORM} | headers
        return self.http.post(self.url + attack.path, content=form, headers=headers)


@pytest.fixture(scope="module", params=["its own pages", "a login application"])
def target(tmp_path_factory, request):
    """An issuer with people in front of its pages, or with a login application before them."""
    running = a_provider(
        tmp_path_factory.mktemp("pages"),
        native=a_relying_party(token_endpoint_auth_method="none", client_secrets=[],
                               grant_types=["authorization_code"]),
        signer=a_relying_party(jwks=a_jwks(), require_signed_request_object=True),
    )  # fmt: skip
    running.start()
    try:
        material = _gather(running)
        if request.param == "a login application":
            _name_an_application(running)
            material |= _challenge(running, material)
        with httpx.Client(timeout=20) as http:
            yield Target(running.url, material, http)
    finally:
        running.stop()
    log = running.log.read_text()
    assert "unexpected" not in log  # a fault of ours says so there
    assert "Traceback" not in log
    assert not [name for name, value in material.items() if value in log]
    assert SECRET not in log
    assert PASSWORD not in log


def _gather(running):
    """One person went to the question, another to the login page, and one got all there is."""
    pushed = httpx.post(running.url + PAR, data=RP, auth=("rp", SECRET)).json()
    with Browser(running) as one, Browser(running) as other, Browser(running) as third:
        question = one.log_in(one.authorize())
        login = other.authorize()
        told = third.submit(third.log_in(third.authorize(**RP)), "allow")
        spare = third.authorize(**RP)
        redeemed = running.redeem(told["code"], "rp", code_verifier=VERIFIER).json()
        return {
            "$interaction": question.fields["interaction"],
            "$form_token": question.fields["form_token"],
            "$session": one.http.cookies["session"],
            "$login_interaction": login.fields["interaction"],
            "$login_token": login.fields["form_token"],
            "$stranger": other.http.cookies["session"],
            "$owner": third.http.cookies["session"],
            "$request_uri": pushed["request_uri"],
            "$id_token": redeemed["id_token"],
            "$access_token": redeemed["access_token"],
            "$code": spare["code"],
            "$request_object": a_request_object(
                now=int(time.time()), aud=running.url, iss="signer", client_id="signer",
                redirect_uri=RP["redirect_uri"], scope="openid", response_mode="form_post.jwt",
                exp=int(time.time()) + 3600,
            ),
        }  # fmt: skip


def _name_an_application(running):
    table = running.read_registry()
    before = running.http.get("/readyz").json()["registry"]
    keys = {"keys": [dict(LOGIN_KEY.public_jwk)]}
    table["issuer"] |= {"login_url": LOGIN_URL, "login_jwks": keys}
    running.write_registry(table)
    running.wait_until(lambda: running.http.get("/readyz").json()["registry"] != before)


def _challenge(running, material):
    query = {"interaction": material["$login_interaction"]}
    cookie = {"Cookie": f"session={material['$stranger']}"}
    sent = httpx.get(running.url + LOGIN, params=query, headers=cookie)
    challenge = httpx.URL(sent.headers["location"]).params["login_challenge"]
    now = int(time.time())
    claims = {"login_challenge": challenge, "aud": running.url, "sub": "carol", "iat": now,
              "exp": now + 290, "jti": "1", "claims": {}}  # fmt: skip
    response = LOGIN_KEY.sign("login-response+jwt", claims)
    return {"$login_challenge": challenge, "$login_response": response}


def _is_registered(uri: str) -> bool:
    bare = uri.partition("?")[0]
    return any(redirect_uri.matches(each, bare) for each in REGISTERED)


def check(attack: Attack, response: httpx.Response) -> None:
    """What holds whatever was sent."""
    assert response.status_code < 500
    if attack.method == "HEAD":
        assert response.content == b""
        assert "set-cookie" not in response.headers
        assert "?" not in response.headers.get("location", "")
    given = []
    if response.status_code == 303:
        location = response.headers["location"]
        assert attack.path != PAR
        if location.startswith("/"):
            assert urlsplit(location).path in (LOGIN, CONSENT, LOGOUT)
            assert not location.startswith("//")
        else:
            assert _is_registered(location)
            given = [location]
    elif attack.path == PAR:
        assert response.status_code in (201, 400, 401, 411, 413, 415)
        assert response.headers["content-type"] == "application/json"
    else:
        assert response.status_code in (200, 400, 403, 411, 413, 415)
        assert response.headers["content-type"].startswith("text/html")
        assert "<script>alert" not in response.text
        given = _leading_elsewhere(response.text)
        assert all(map(_is_registered, given))
    assert all(each.startswith("session=") for each in response.headers.get_list("set-cookie"))
    assert "access-control-allow-origin" not in response.headers
    if re.search('[?&]code=|name="code"|"code":', _opened(" ".join(given) + response.text)):
        assert _may_have_a_code(attack)


def _opened(text: str) -> str:
    """``text``, and behind it what the answers in it say that are signed (JARM)."""
    payloads = re.findall(r'(?:response=|name="response" value=")[\w-]+\.([\w-]+)\.', text)
    return text + b"".join(map(urlsafe_b64decode, (f"{each}===" for each in payloads))).decode()


def _leading_elsewhere(html: str) -> list[str]:
    """Where a form or a link on the page leads, if not back to the issuer."""
    found = re.findall(r'(?:action|href|src)="([^"]*)"', html)
    return [unescape(each) for each in found if re.match(r"[a-z+.-]+:|//", unescape(each))]


def _may_have_a_code(attack: Attack) -> bool:
    """Only who was asked and said so; or the owner, who had agreed already."""
    sent = attack.sent
    if attack.cookie == "$owner":
        return True
    named = [sent.get(name) for name in ("interaction", "form_token", "decision")]
    return (attack.method, attack.path, attack.cookie, *named) == (
        "POST", CONSENT, "$session", "$interaction", "$form_token", "allow"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "status", "location"),
    [
        ("agrees", 303, CALLBACK + "?code="),
        ("asks", 303, CONSENT),
        ("asks by form", 303, CONSENT),
        ("asks signed", 303, CONSENT),
        ("asks for a signed answer", 303, CONSENT),
        ("pushed", 303, CONSENT),
        ("sees the question", 200, ""),
        ("logs in", 303, CONSENT),
        ("looks", 303, CONSENT),
        ("looks at a pushed one", 303, CONSENT),
        ("looks at the question", 200, ""),
        ("leaves without its token", 200, ""),
        ("looks at the way out", 200, ""),
        ("logs out", 303, "http://127.0.0.1/goodbye?state=s"),
        ("logs out by form", 303, LOGOUT),
        ("pushes", 201, ""),
    ],
)
def test_each_good_request_is_answered_well(target, name, status, location):
    """The accepted neighbours."""
    response = target.send(GOOD[name])
    check(GOOD[name], response)
    assert response.status_code == status
    assert response.headers.get("location", "").startswith(location)


@pytest.mark.parametrize("name", ["sees the login page", "comes back"])
def test_the_two_ways_to_log_in_are_answered_where_they_are_open(target, name):
    open_here = (name == "comes back") == ("$login_response" in target.material)
    response = target.send(GOOD[name])
    check(GOOD[name], response)
    if name == "comes back":
        assert response.status_code == (303 if open_here else 400)
    else:
        assert response.status_code == (200 if open_here else 303)


@calmly(max_examples=600)
@given(attacks())
@example(Attack("GET", AUTHORIZE, (("redirect_uri", EVIL), ("client_id", "web"))))
@example(Attack("GET", LOGOUT, (("post_logout_redirect_uri", EVIL),)))
@example(Attack("GET", LOGOUT, (("post_logout_redirect_uri", EVIL), ("client_id", "rp"))))
@example(Attack("POST", CONSENT, (), behind=b"%"))
def test_whatever_is_sent_nobody_is_sent_astray_and_nothing_breaks(target, attack):
    """B1, B2, B4, P13, P17, P34."""
    check(attack, target.send(attack))
