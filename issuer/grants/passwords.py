"""Who has this password: asked by the password grant and by the login page alike."""

from issuer.errors import InvalidGrant
from issuer.protocol import throttling
from issuer.registry import precis
from issuer.registry.secret import matches
from issuer.registry.user import User
from issuer.server import AuthorizationServer


def authenticate(server: AuthorizationServer, login: str, password: str, address: str = "") -> User:
    """The active user of this username or e-mail address, with this password.

    Takes as long as argon2id takes, for each form that a hash of the password may be of: one in
    ASCII, three at most. Whoever is unknown is refused after the same work as one who is known.

    Raises:
        InvalidGrant: there is none.
    """
    user = server.registry.user_named(login)
    known_hash = user.password_hash if user else None
    compared = known_hash or server.registry.decoy_password(login)
    # A list: all are tried, whatever the first one said, so that time tells nothing.
    proved = any([matches(compared, form) for form in precis.password_forms(password)])
    living = user is not None and user.active and user.sub not in server.registry.blocked_subjects
    if user is None or known_hash is None or not proved or not living:
        error = InvalidGrant("User authentication failed.", detail="wrong user or password")
        error.guess = throttling.of_user(login, address, who=user.sub if user else "")
        raise error
    return user
