"""npm's oauth4webapi and openid-client with certificates, through nginx (RFC 8705).

They find the other host in the metadata, and all that they send with a certificate goes there.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from keys import MTLS, InvalidToken, Verifier
from keys.client_certificates import thumbprint
from tests.builders import API
from tests.relying_parties.libraries import Library, node
from tests.rfc8705 import proxies
from tests.rfc8705.certificates import Certified
from tests.rfc8705.test_proxies import BILLING, SELF_SIGNED, STRANGER, TLS, an_issuer
from tests.running import RunningIssuer, free_port

pytestmark = pytest.mark.skipif(not proxies.is_installed("nginx"), reason="needs nginx")
CALLBACK = "https://app.example/callback"


@pytest.fixture(scope="module", params=["", "/tenant"], ids=["", "an issuer with a path"])
def issuer(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningIssuer]:
    """One whose other host is an nginx."""
    folder, port = tmp_path_factory.mktemp("certified"), free_port()
    running = an_issuer(
        folder,
        path=request.param,
        trusted_proxies=["127.0.0.1"],
        client_certificate_header=proxies.header("nginx"),
        mtls_url=f"https://localhost:{port}{request.param}",
    )
    table = running.read_registry()
    for each in ("mtls", "self"):
        client = table["clients"][each]
        client["grant_types"] = [*client["grant_types"], "authorization_code"]
        client["redirect_uris"] = [CALLBACK]
    running.write_registry(table)
    running.start()
    try:
        at = tmp_path_factory.mktemp("nginx")
        TLS.write(at, "tls")
        with proxies.started("nginx", at, port, f"127.0.0.1:{running.port}"):
            yield running
    finally:
        running.stop()


@pytest.fixture(params=["oauth4webapi", "openid-client"])
def run(
    ready: Any, issuer: RunningIssuer, request: pytest.FixtureRequest, tmp_path: Path
) -> Callable[..., Any]:
    """What the library learns as a client with this certificate."""
    library = Library(request.param, ("node", "certified.mjs", request.param), ready(node))

    def learn(found: Certified | None, client_id: str = "mtls") -> Any:
        certificate, key = found.write(tmp_path, "client") if found else ("", "")
        given = {
            "issuer": issuer.url,
            "client_id": client_id,
            "certificate": certificate,
            "key": key,
            "authority": str(issuer.directory / "tls.pem"),
            "redirect_uri": CALLBACK,
        }
        with library.started(given) as program:
            return program.hear()

    return learn


@pytest.mark.parametrize(("client_id", "found"), [("mtls", BILLING), ("self", SELF_SIGNED)])
def test_a_client_with_a_certificate_gets_tokens_for_it_alone(
    run: Callable[..., Any], issuer: RunningIssuer, client_id: str, found: Certified
) -> None:
    learnt = run(found, client_id)
    assert learnt["request_uri"].startswith("urn:ietf:params:oauth:request_uri:")
    assert learnt["token_type"] == "bearer"
    verifier = Verifier(issuer.url, API, mtls=MTLS())
    asked = {"authorization": f"Bearer {learnt['access_token']}", "method": "GET", "url": API}
    for other in (None, STRANGER.der):
        with pytest.raises(InvalidToken):
            verifier.verify_request(**asked, certificate=other)
    token = verifier.verify_request(**asked, certificate=found.der)
    assert token.confirmation is not None
    assert token.confirmation.thumbprint == thumbprint(found.der)


def test_another_certificate_or_none_is_refused(run: Callable[..., Any]) -> None:
    for client_id, found in (("mtls", None), ("mtls", STRANGER), ("self", BILLING)):
        assert run(found, client_id)["status"] == 401
    assert "access_token" in run(BILLING)
