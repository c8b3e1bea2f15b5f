"""Authorization requests and sessions with every default filled in."""

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from msgspec.structs import replace

from issuer.browser import interaction, sessions
from issuer.browser.answering import Answered
from issuer.browser.authorization_response import AuthorizationResponse
from issuer.browser.sealed import Interaction, Session
from issuer.protocol.form import Form
from issuer.protocol.sealed import Login
from issuer.server import AuthorizationServer
from tests.builders import API, CALLBACK, CHALLENGE, NOW

PASSWORD = Login(amr=("pwd",))


def a_form(**changes: str | None) -> Form:
    """What client web sends; None leaves a parameter out."""
    parameters = {
        "response_type": "code",
        "client_id": "web",
        "redirect_uri": CALLBACK,
        "scope": "read",
        "state": "a-state",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changes,
    }
    sent = {name: value for name, value in parameters.items() if value is not None}
    return Form.parse(urlencode(sent).encode())


def an_interaction(server: AuthorizationServer, *, now: int = NOW, **changes: Any) -> Interaction:
    """An interaction that began at ``now``."""
    received, _ = interaction.receive(server, a_form(**changes), now)
    return received


def a_session(server: AuthorizationServer, *, now: int = NOW, **changes: Any) -> Session:
    """A session in which alice logged in at ``now``."""
    given = {"sub": "alice", "auth_time": now, "interaction_id": "earlier"} | changes
    return sessions.log_in(
        server,
        given.get("before"),
        PASSWORD,
        sub=given["sub"],
        auth_time=given["auth_time"],
        interaction_id=given["interaction_id"],
        now=now,
    )


def agreed(server: AuthorizationServer, session: Session, *scope: str) -> Session:
    """``session`` after its user agreed that web may have ``scope`` at the first resource."""
    return replace(session, consents={"web": {API: scope}})


def parameters(answer: AuthorizationResponse) -> dict[str, str]:
    """What stands in the query of the answer, each name once."""
    pairs = parse_qsl(urlsplit(answer.location).query, strict_parsing=True)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def refused(server: AuthorizationServer, form: Form, *, now: int = NOW) -> dict[str, str]:
    """What the client is told of a request that is refused."""
    with pytest.raises(Answered) as caught:
        interaction.receive(server, form, now)
    return parameters(caught.value.response)
