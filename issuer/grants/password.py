"""``password``: the user's own password, for clients that registered it (RFC 6749 section 4.3).

RFC 9700 section 2.4 wants it gone. It is here for those who are on their way out of it.
"""

from issuer.grants import passwords
from issuer.grants.refreshing import new_refresh_token
from issuer.grants.target import asked_of_client, target
from issuer.protocol.form import Form
from issuer.protocol.request import AuthenticatedRequest, Authorization
from issuer.protocol.sealed import fresh_id
from issuer.server import AuthorizationServer


def login_of(form: Form) -> str | None:
    """Who the user is, as the request says."""
    return form.get("username") or form.get("email")


def authorize(server: AuthorizationServer, authenticated: AuthenticatedRequest) -> Authorization:
    """An authorization by the user whose password this is. Takes as long as argon2id takes.

    Raises:
        InvalidRequest: username or password is missing.
        InvalidTarget, InvalidScope: the client asks for what it is not registered for.
        InvalidGrant: no active user has this name or e-mail address and this password.
    """
    client, form, now = authenticated.client, authenticated.form, authenticated.received_at
    login = login_of(form) or form.require("username")
    password = form.require("password")
    resource = target(server, client.resources, form.all("resource"))
    is_bound = authenticated.binding is not None
    scope = asked_of_client(server, client, resource, form.get("scope"), is_bound=is_bound)
    user = passwords.authenticate(server, login, password, authenticated.request.address)
    grant_id = fresh_id()
    return Authorization(
        id=grant_id,
        client=client,
        user=user,
        scope=scope,
        resource=resource,
        issued_at=now,
        received_at=now,
        auth_time=now,
        refresh_token=new_refresh_token(
            server,
            client,
            id=grant_id,
            grant_id=grant_id,
            sub=user.sub,
            scope=scope,
            resources=(resource.resource,),
            auth_time=now,
            issued_at=now,
            binding=authenticated.binding,
        ),
        grant_id=grant_id,
        once=authenticated.once,
        credential=authenticated.credential,
        binding=authenticated.binding,
    )
