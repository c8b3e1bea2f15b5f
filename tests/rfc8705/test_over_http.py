"""Where a certificate comes from: a header of those who are believed, or the connection itself."""

import ssl

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keys.client_certificates import thumbprint
from tests.builders import SECRET
from tests.rfc8705.certificates import an_authority, by_nginx, by_rfc_9440
from tests.rfc8705.test_proxies import (
    AUTHORITY,
    BILLING,
    EXPIRED,
    SELF_SIGNED,
    STRANGER,
    TODAY,
    an_issuer,
    ask,
    cnf,
)
from tests.running import RunningIssuer

FORM = {"grant_type": "client_credentials", "client_id": "mtls"}
HEADER = "Client-Cert"
TRUSTED = "127.0.0.7"
"""Of the addresses of this machine, the one that is the proxy's."""


@pytest.fixture(scope="module", params=["", "/tenant"], ids=["", "an issuer with a path"])
def issuer(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("issuer")
    running = an_issuer(
        folder, path=request.param, trusted_proxies=[TRUSTED], client_certificate_header=HEADER
    )
    running.start()
    yield running
    running.stop()


def sent(issuer: RunningIssuer, *values: str, by: str = TRUSTED, name: str = HEADER, **more):
    """The answer to a token request by this address, with so many headers."""
    with httpx.Client(transport=httpx.HTTPTransport(local_address=by)) as http:
        headers = [(name, value.encode("latin-1")) for value in values]
        return http.post(f"{issuer.url}/token", data=FORM | more, headers=headers)


GOOD = by_rfc_9440(BILLING)
OTHER_AUTHORITY = an_authority("CN=Other", **TODAY).pem


def test_a_header_is_believed_from_those_alone_who_are_trusted(issuer):
    """RFC 9440 section 4: whoever can send one could be anybody else."""
    for stranger in ("127.0.0.1", "127.0.0.8"):
        refused = sent(issuer, GOOD, by=stranger)
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
        # It is not even read.
        assert sent(issuer, "nonsense", by=stranger).json() == refused.json()
        assert sent(issuer, GOOD, GOOD, by=stranger).json() == refused.json()
    assert sent(issuer, GOOD).status_code == 200


@pytest.mark.parametrize("values", [
    pytest.param((GOOD, GOOD), id="twice"),
    pytest.param((by_rfc_9440(STRANGER), GOOD), id="another first"),
    pytest.param((GOOD, ""), id="an empty one behind it"),
    pytest.param((by_nginx(BILLING),), id="another spelling"),
    pytest.param((GOOD[:-2],), id="cut"),
    pytest.param((":" + "A" * 25_000 + ":",), id="too long"),
    pytest.param((":\xe4:",), id="not ASCII"),
])  # fmt: skip
def test_what_the_proxy_passes_on_is_a_certificate_or_refused(issuer, values):
    refused = sent(issuer, *values)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    assert "certificate" in refused.json()["error_description"]
    assert sent(issuer, GOOD).status_code == 200


def test_a_certificate_of_another_is_nobodys(issuer):
    for found in (STRANGER, SELF_SIGNED, EXPIRED):
        refused = sent(issuer, by_rfc_9440(found))
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    for values, name in (((), HEADER), (("",), HEADER), ((GOOD,), "X-SSL-Client-Cert")):
        assert sent(issuer, *values, name=name).status_code == 401
    assert sent(issuer, GOOD).status_code == 200


def test_the_log_says_why_and_by_which_name(issuer):
    sent(issuer, GOOD)
    sent(issuer, by_rfc_9440(STRANGER))
    told = '"credential":"tls_client_auth_subject_dn"'
    issuer.wait_until(lambda: told in issuer.log.read_text())
    issuer.wait_until(lambda: "certificate: nobody vouches for it: " in issuer.log.read_text())
    log = issuer.log.read_text()
    assert GOOD[1:60] not in log


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_whatever_the_header_says_there_is_an_answer_and_no_token(issuer, data):
    """Never a fault of ours, and never a token."""
    texts = st.text(
        st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters="\x7f")
    )
    position = data.draw(st.integers(1, len(GOOD) - 2))
    changed = GOOD[:position] + data.draw(texts.filter(len)) + GOOD[position + 1 :]
    value = data.draw(st.one_of(texts, st.just(changed)))
    if value == GOOD:
        return
    assert sent(issuer, value).status_code in (400, 401)


def test_a_header_can_be_set_and_taken_away_without_a_restart(issuer):
    """The registry is read again; so are the authorities beside it."""
    folder, table = issuer.directory, issuer.read_registry()
    try:
        (folder / "clients-ca.pem").write_text(OTHER_AUTHORITY)
        issuer.wait_until(lambda: sent(issuer, GOOD).status_code == 401)
        (folder / "clients-ca.pem").write_text(OTHER_AUTHORITY + AUTHORITY.pem)
        issuer.wait_until(lambda: sent(issuer, GOOD).status_code == 200)
        table["issuer"]["client_certificate_header"] = "X-SSL-Client-Cert"
        issuer.write_registry(table)
        issuer.wait_until(lambda: sent(issuer, GOOD).status_code == 401)
        assert sent(issuer, by_nginx(BILLING), name="X-SSL-Client-Cert").status_code == 200
    finally:
        (folder / "clients-ca.pem").write_text(AUTHORITY.pem)
        table["issuer"]["client_certificate_header"] = HEADER
        issuer.write_registry(table)
        issuer.wait_until(lambda: sent(issuer, GOOD).status_code == 200)


class TLSIssuer(RunningIssuer):
    """One that ends TLS itself."""

    def _answers(self) -> bool:
        with httpx.Client(verify=ssl._create_unverified_context()) as http:  # noqa: S323
            try:
                return http.get(f"https://localhost:{self.port}/healthz").status_code == 200
            except httpx.TransportError:
                return False


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The URL of an issuer without a proxy, and a folder for certificates."""
    folder = tmp_path_factory.mktemp("alone")
    an_issuer(folder, tls_client_certificates=True)
    running = TLSIssuer(folder)
    running._is_replica = False
    with (folder / "known.pem").open("w") as file:
        file.write(AUTHORITY.pem + SELF_SIGNED.pem)
    tls = ["--certfile", f"{folder}/tls.pem", "--keyfile", f"{folder}/tls.key"]
    running.start(*tls, "--ca-certs", f"{folder}/known.pem", "--cert-reqs", "1")
    yield f"https://localhost:{running.port}", folder
    running.stop()


def test_gunicorn_can_end_tls_itself(alone):
    """Its worker hands over the certificate that the client showed in the handshake."""
    url, folder = alone
    assert ask(url, folder, None).status_code == 401
    for found, client_id in ((BILLING, "mtls"), (SELF_SIGNED, "self")):
        answer = ask(url, folder, found, client_id)
        assert cnf(answer) == {"x5t#S256": thumbprint(found.der)}
    assert cnf(ask(url, folder, BILLING, "web", secret=SECRET))
    with pytest.raises(httpx.TransportError):  # its authority is not known
        ask(url, folder, STRANGER)


def test_a_header_says_nothing_where_there_is_no_proxy(alone):
    url, folder = alone
    for name in ("Client-Cert", "X-SSL-Client-Cert", "X-Forwarded-Client-Cert"):
        for value in (by_rfc_9440(BILLING), by_nginx(BILLING)):
            headers = {name: value}
            assert ask(url, folder, None, headers=headers).status_code == 401
            assert ask(url, folder, SELF_SIGNED, headers=headers).status_code == 401
            assert ask(url, folder, BILLING, headers=headers).status_code == 200
