"""Section 3 at a resource server: which tokens bound to certificates ``keys`` accepts."""

import asyncio
import dataclasses
import io
import re
from pathlib import Path

import pytest

import keys
from keys import MTLS, DPoP, InvalidToken, Verifier, asgi, wsgi
from keys.client_certificates import thumbprint
from tests.keys.builders import AUDIENCE, ISSUER, NOW, a_jwks, a_token
from tests.keys.builders import KEY as ISSUER_KEY
from tests.rfc8705.certificates import (
    BILLING,
    STRANGER,
    Certified,
    by_apache,
    by_envoy,
    by_haproxy,
    by_nginx,
    by_rfc_9440,
    certified,
)

PROXY = "10.0.0.7"
BOUND = a_token(cnf={"x5t#S256": thumbprint(BILLING.der)})
BORNE = a_token(jti="t2")
DPOP_BOUND = a_token(jti="t3", cnf={"jkt": "A" * 43})
BEHIND_A_PROXY = MTLS(header="Client-Cert", trusted_proxies=[PROXY])


def a_verifier(mtls: MTLS | None = BEHIND_A_PROXY, **options) -> Verifier:
    return Verifier(ISSUER, AUDIENCE, a_jwks(ISSUER_KEY), mtls=mtls, clock=lambda: NOW, **options)


def shown(token: str, found: Certified | None, verifier: Verifier, *, later: bool = False):
    request = {
        "authorization": f"Bearer {token}",
        "method": "GET",
        "url": f"{AUDIENCE}/invoices",
        "certificate": None if found is None else found.der,
    }
    if later:
        return asyncio.run(verifier.verify_request_async(**request))
    return verifier.verify_request(**request)


@pytest.mark.parametrize("later", [False, True])
def test_a_bound_token_is_good_with_its_certificate_alone(later):
    verifier = a_verifier()
    same_key = certified(key=BILLING.key)
    for other, why in ((None, "without one"), (STRANGER, "another"), (same_key, "another")):
        with pytest.raises(InvalidToken) as refused:
            shown(BOUND, other, verifier, later=later)
        assert (refused.value.status, refused.value.error) == (401, "invalid_token")
        assert why in refused.value.detail
    token = shown(BOUND, BILLING, verifier, later=later)
    assert (token.subject, token.scheme) == ("alice", "Bearer")
    assert token.confirmation.method == "x5t#S256"


def test_what_is_bound_is_no_bearer_token_to_whoever_looks_at_no_certificate():
    with pytest.raises(InvalidToken):
        shown(BOUND, BILLING, a_verifier(None))
    verifier = a_verifier()
    for verify in (verifier.verify, lambda t: asyncio.run(verifier.verify_async(t))):
        with pytest.raises(InvalidToken, match="not valid"):
            verify(BOUND)
        assert verify(BORNE).jti == "t2"
    with pytest.raises(InvalidToken):
        verifier.verify_header(f"Bearer {BOUND}")
    assert verifier.verify_header(f"Bearer {BORNE}").jti == "t2"


def test_what_is_bound_to_another_kind_of_key_is_refused():
    """To let it pass for what is understood of it would be to leave its proof out."""
    both = a_token(cnf={"x5t#S256": thumbprint(BILLING.der), "jkt": "A" * 43})
    for each in (DPOP_BOUND, both, a_token(cnf={}), a_token(cnf={"x5t#S256": 1})):
        with pytest.raises(InvalidToken):
            shown(each, BILLING, a_verifier())
    assert shown(BOUND, BILLING, a_verifier())


def test_what_is_bound_to_nothing_may_be_refused():
    strict = a_verifier(MTLS(required=True))
    assert shown(BORNE, None, a_verifier())
    with pytest.raises(InvalidToken, match="not valid"):
        shown(BORNE, BILLING, strict)
    with pytest.raises(InvalidToken):
        strict.verify(BORNE)
    assert shown(BOUND, BILLING, strict)


def test_beside_dpop_each_token_takes_its_own_proof():
    """FAPI 2.0 section 5.3.4: sender-constrained tokens, by either."""
    verifier = a_verifier(dpop=DPoP(required=True))
    assert verifier.schemes == ("dpop", "bearer")
    assert shown(BOUND, BILLING, verifier)
    for token in (BORNE, DPOP_BOUND):
        with pytest.raises(InvalidToken):
            shown(token, BILLING, verifier)
    with pytest.raises(InvalidToken):
        verifier.verify_request(
            authorization=f"DPoP {BOUND}", method="GET", url=AUDIENCE, certificate=BILLING.der
        )


def by_asgi(verifier, token, fields=(), *, peer=PROXY, own: Certified | None = None) -> int:
    """The status of the answer to a request with these fields, over a connection of ``peer``."""
    sent = []

    async def app(scope, _, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def send(message):
        sent.append(message)

    headers = [("authorization", f"Bearer {token}"), *fields]
    scope = {
        "type": "http", "method": "GET", "scheme": "https", "path": "/", "raw_path": b"/",
        "query_string": b"", "client": (peer, 1) if peer else None,
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
    }  # fmt: skip
    if own is not None:
        scope["extensions"] = {"tls": {"client_cert_chain": [own.pem]}}
    asyncio.run(asgi.AccessMiddleware(app, bearer=verifier)(scope, None, send))
    return sent[0]["status"]


class Socket:
    """That of a connection whose client showed a certificate."""

    def __init__(self, own: Certified) -> None:
        self._own = own

    def getpeercert(self, *, binary_form: bool) -> bytes:
        assert binary_form
        return self._own.der


def by_wsgi(verifier, token, fields=(), *, peer=PROXY, own: Certified | None = None) -> int:
    """The same; fields of one name are joined, as servers do it."""
    answers = []

    def app(_, start_response):
        start_response("200 OK", [])
        return [b""]

    environ = {
        "REQUEST_METHOD": "GET", "PATH_INFO": "/", "QUERY_STRING": "", "REMOTE_ADDR": peer,
        "wsgi.url_scheme": "https", "wsgi.input": io.BytesIO(),
        "HTTP_AUTHORIZATION": f"Bearer {token}",
    }  # fmt: skip
    for name, value in fields:
        key = "HTTP_" + name.upper().replace("-", "_")
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    if own is not None:
        environ["gunicorn.socket"] = Socket(own)
    middleware = wsgi.AccessMiddleware(app, bearer=verifier)
    middleware(environ, lambda status, *_: answers.append(int(status[:3])))
    return answers[0]


EACH = pytest.mark.parametrize("ask", [by_asgi, by_wsgi])
CERT, FORGED = ("Client-Cert", by_rfc_9440(BILLING)), ("Client-Cert", by_rfc_9440(STRANGER))


@EACH
def test_a_header_is_believed_from_those_alone_whom_the_application_names(ask):
    """Anybody can send one: certificates are no secrets, and neither are their hashes."""
    verifier = a_verifier()
    for peer in ("10.0.0.8", "127.0.0.1", "", "::1"):
        assert ask(verifier, BOUND, [CERT], peer=peer) == 401
    assert ask(verifier, BOUND, [CERT]) == 200
    assert ask(verifier, BOUND, [CERT], peer=f"::ffff:{PROXY}") == 200
    for peers in (["unix:"], ["10.0.0.0/8"], ["fd00::/8", PROXY]):
        named = a_verifier(MTLS(header="Client-Cert", trusted_proxies=peers))
        assert ask(named, BOUND, [CERT], peer="" if peers == ["unix:"] else PROXY) == 200


@EACH
@pytest.mark.parametrize("fields", [
    pytest.param([], id="none"),
    pytest.param([FORGED], id="another"),
    pytest.param([CERT, FORGED], id="two"),
    pytest.param([FORGED, CERT], id="two, the other way round"),
    pytest.param([CERT, CERT], id="the same twice"),
    pytest.param([("Client-Cert", "")], id="an empty one"),
    pytest.param([("Client-Cert", ":AAAA:")], id="no certificate"),
    pytest.param([("Client-Cert", by_nginx(BILLING))], id="another spelling"),
    pytest.param([("X-SSL-Client-Cert", by_nginx(BILLING))], id="another field"),
    pytest.param([("X-Client-Cert-S256", thumbprint(BILLING.der))], id="its hash"),
])  # fmt: skip
def test_without_that_certificate_the_token_is_refused(ask, fields):
    verifier = a_verifier()
    assert ask(verifier, BOUND, fields) == 401
    assert ask(verifier, BOUND, [CERT]) == 200


@EACH
@pytest.mark.parametrize(("name", "value"), [
    ("X-SSL-Client-Cert", by_nginx(BILLING)),
    ("X-SSL-Client-Cert", by_haproxy(BILLING)),
    ("SSL-Client-Cert", by_apache(BILLING)),
    ("X-Forwarded-Client-Cert", by_envoy(BILLING)),
])  # fmt: skip
def test_each_proxy_is_understood(ask, name, value):
    verifier = a_verifier(MTLS(header=name, trusted_proxies=[PROXY]))
    assert ask(verifier, BOUND, [(name, value)]) == 200
    assert ask(verifier, BOUND, []) == 401


@EACH
def test_the_connection_itself_counts_unless_it_is_the_proxys(ask):
    """A proxy has a certificate of its own, and would lend it to all of its clients."""
    verifier = a_verifier()
    assert ask(verifier, BOUND, peer="192.0.2.1", own=BILLING) == 200
    assert ask(verifier, BOUND, peer="192.0.2.1", own=STRANGER) == 401
    assert ask(verifier, BOUND, [CERT], peer="192.0.2.1", own=STRANGER) == 401
    assert ask(verifier, BOUND, peer=PROXY, own=BILLING) == 401
    assert ask(verifier, BOUND, [CERT], peer=PROXY, own=STRANGER) == 200
    assert ask(a_verifier(MTLS()), BOUND, peer=PROXY, own=BILLING) == 200


def test_mod_wsgi_tells_of_the_connection_in_pem():
    """With ``SSLOptions +ExportCertData``."""
    environ = {"REMOTE_ADDR": "192.0.2.1", "SSL_CLIENT_CERT": BILLING.pem}
    assert MTLS().of_wsgi(environ) == BILLING.der
    assert MTLS().of_wsgi(environ | {"SSL_CLIENT_CERT": ""}) is None


@pytest.mark.parametrize("options", [
    {"header": "Client-Cert"},
    {"trusted_proxies": [PROXY]},
    {"header": "Client-Cert", "trusted_proxies": PROXY},
    {"header": "Client-Cert", "trusted_proxies": ["0.0.0.0/0"]},
    {"header": "Client-Cert", "trusted_proxies": ["proxy.example"]},
    {"header": "a b", "trusted_proxies": [PROXY]},
])  # fmt: skip
def test_options_that_make_no_sense_are_refused_at_once(options):
    with pytest.raises(ValueError, match=r"."):
        MTLS(**options)
    assert MTLS(header="Client-Cert", trusted_proxies=[PROXY])


def test_the_guide_shows_it():
    """As it stands there: the verifier, and what finds the certificate by hand."""
    guide = (Path(keys.__file__).parent / "README.md").read_text()
    section = guide.partition("## Bound tokens: certificates\n")[2].partition("\n## ")[0]
    making, asking = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    names = {}
    exec(making, names)  # noqa: S102  what is tested
    assert names["verifier"].mtls == MTLS(header="X-SSL-Client-Cert", trusted_proxies=["127.0.0.1"])
    names["verifier"] = a_verifier(names["verifier"].mtls)
    exec(asking, names)  # noqa: S102
    environ = {
        "REQUEST_METHOD": "GET", "REMOTE_ADDR": "127.0.0.1",
        "HTTP_AUTHORIZATION": f"Bearer {BOUND}", "HTTP_X_SSL_CLIENT_CERT": by_nginx(BILLING),
    }  # fmt: skip
    assert names["authenticate_by_certificate"](environ).subject == "alice"
    with pytest.raises(InvalidToken):
        names["authenticate_by_certificate"](environ | {"REMOTE_ADDR": "127.0.0.2"})
    fields = [each.name for each in dataclasses.fields(MTLS) if each.init]
    assert re.findall(r"^\| `(\w+)=` \|", section, re.MULTILINE) == fields
