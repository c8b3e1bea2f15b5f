"""Certificates through real proxies, as the guide sets them up, to a real issuer."""

import ssl
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import httpx
import jwt
import pytest

from keys.algorithms import ALGORITHMS
from keys.client_certificates import thumbprint
from tests.builders import API, SECRET
from tests.rfc8705 import proxies
from tests.rfc8705.certificates import (
    DAY,
    SERVER_AUTH,
    Certified,
    an_authority,
    by_nginx,
    by_rfc_9440,
    certified,
    names,
)
from tests.rfc8705.proxies import PROXIES
from tests.running import RunningIssuer, free_port

TODAY = {"begins": int(time.time()) - DAY, "ends": int(time.time()) + 30 * DAY}
AUTHORITY = an_authority(**TODAY)
BILLING = certified(by=AUTHORITY, **TODAY)
STRANGER = certified(by=an_authority(**TODAY), **TODAY)
SELF_SIGNED = certified("CN=self", extensions=(), **TODAY)
EXPIRED = certified(by=AUTHORITY, begins=TODAY["begins"] - DAY, ends=TODAY["begins"])
TLS = certified("CN=tls", extensions=(names(dns="localhost", ip="127.0.0.1"), SERVER_AUTH), **TODAY)


def clients() -> dict[str, dict]:
    everyone = {"grant_types": ["client_credentials"], "scope": "read", "resources": [API]}
    bound = {"tls_client_certificate_bound_access_tokens": True}
    jwk = ALGORITHMS["ES256"].to_jwk(SELF_SIGNED.certificate.public_key())
    return {
        "mtls": everyone | bound | {
            "token_endpoint_auth_method": "tls_client_auth",
            "tls_client_auth_subject_dn": "CN=billing,O=Example",
        },
        "self": everyone | bound | {
            "token_endpoint_auth_method": "self_signed_tls_client_auth", "jwks": {"keys": [jwk]},
        },
    }  # fmt: skip


def an_issuer(folder: Path, **settings) -> RunningIssuer:
    """One that knows clients by their certificates; not started."""
    TLS.write(folder, "tls")
    (folder / "clients-ca.pem").write_text(AUTHORITY.pem)
    running = RunningIssuer(
        folder, client_certificate_authorities_file="clients-ca.pem", **settings
    )
    table = running.read_registry()
    table["clients"] |= clients()
    table["clients"]["web"]["tls_client_certificate_bound_access_tokens"] = True
    running.write_registry(table)
    return running


@pytest.fixture(scope="module", params=PROXIES)
def proxy(request, tmp_path_factory):
    """The URL of a proxy in front of an issuer, a folder for certificates, and its header."""
    if not proxies.is_installed(request.param):
        pytest.skip(f"needs {request.param}")
    folder = tmp_path_factory.mktemp(request.param)
    folder.chmod(0o755)
    name = proxies.header(request.param)
    running = an_issuer(folder, trusted_proxies=["127.0.0.1"], client_certificate_header=name)
    running.start()
    try:
        at = tmp_path_factory.mktemp("proxy")
        TLS.write(at, "tls")
        (at / "clients-ca.pem").write_text(AUTHORITY.pem)
        backend = f"127.0.0.1:{running.port}"
        with proxies.started(request.param, at, free_port(), backend) as url:
            yield url, at, name
    finally:
        running.stop()


def context(folder: Path, found: Certified | None) -> ssl.SSLContext:
    """TLS by a certificate, or by none."""
    made = ssl.create_default_context(cadata=TLS.pem)
    made.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if found is not None:
        made.load_cert_chain(*found.write(folder, f"client-{id(found)}"))
    return made


def ask(url, folder, found, client_id="mtls", *, secret=None, headers=None) -> httpx.Response:
    """The answer to a token request over such a connection."""
    with httpx.Client(verify=context(folder, found)) as http:
        return http.post(
            f"{url}/token",
            data={"grant_type": "client_credentials"}
            | ({} if secret else {"client_id": client_id}),
            auth=(client_id, secret) if secret else None,
            headers=headers,
        )


def cnf(answer: httpx.Response) -> dict[str, str]:
    """What the token is bound to."""
    assert answer.status_code == 200, answer.text
    claims = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
    return claims["cnf"]


def test_a_client_is_known_by_its_certificate(proxy):
    url, folder, _ = proxy
    for found in (None, STRANGER, SELF_SIGNED):
        assert ask(url, folder, found).status_code == 401
    assert cnf(ask(url, folder, BILLING)) == {"x5t#S256": thumbprint(BILLING.der)}


def test_a_client_may_sign_its_own(proxy):
    url, folder, _ = proxy
    for found in (None, STRANGER, BILLING):
        assert ask(url, folder, found, "self").status_code == 401
    assert cnf(ask(url, folder, SELF_SIGNED, "self")) == {"x5t#S256": thumbprint(SELF_SIGNED.der)}


def test_an_expired_certificate_is_nobodys(proxy):
    """nginx says so itself, Apache does not finish the handshake, HAProxy leaves it to us."""
    url, folder, _ = proxy
    with suppress(httpx.TransportError):
        assert ask(url, folder, EXPIRED).status_code in (400, 401)
    assert ask(url, folder, BILLING).status_code == 200


def test_tokens_are_bound_with_a_secret_as_well(proxy):
    url, folder, _ = proxy
    refused = ask(url, folder, None, "web", secret=SECRET)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    for found in (BILLING, STRANGER):
        answer = ask(url, folder, found, "web", secret=SECRET)
        assert cnf(answer) == {"x5t#S256": thumbprint(found.der)}


@pytest.mark.parametrize("spell", [by_rfc_9440, by_nginx])
def test_what_a_client_writes_into_the_header_counts_for_nothing(proxy, spell):
    """The proxy puts its own in the place of it."""
    url, folder, name = proxy
    for headers in (
        {name: spell(BILLING)},
        [(name, spell(BILLING)), (name, spell(BILLING))],
        {name.replace("-", "_"): spell(BILLING)},
        {name.lower(): spell(BILLING)},
    ):
        for found in (None, STRANGER):
            assert ask(url, folder, found, headers=headers).status_code == 401
        assert ask(url, folder, BILLING, headers=headers).status_code == 200


def test_curl_does_it_as_the_guide_says(proxy):
    url, folder, _ = proxy
    certificate, key = SELF_SIGNED.write(folder, "curl")
    command = ["curl", "-s", "--cacert", f"{folder}/tls.pem", "--cert", certificate, "--key", key]
    form = ["-d", "grant_type=client_credentials", "-d", "client_id=self"]
    told = subprocess.run([*command, f"{url}/token", *form], capture_output=True, check=True)
    assert b'"access_token"' in told.stdout
