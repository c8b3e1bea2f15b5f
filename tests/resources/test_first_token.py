"""The everyday path over real HTTP."""

from tests.running import RunningIssuer


def test_a_client_gets_a_token_over_http(issuer_server: RunningIssuer):
    """RFC 6749 section 5.1."""
    response = issuer_server.token("billing", grant_type="client_credentials")
    assert response.status_code == 200
    assert response.json()["token_type"] == "Bearer"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["pragma"] == "no-cache"
