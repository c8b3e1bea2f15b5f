"""The registry: everything the issuer knows about others, as one value that never changes."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from zlib import crc32

from issuer.registry import client_keys, precis, secret
from issuer.registry.branding import Branding
from issuer.registry.callers import Callers
from issuer.registry.client import Client
from issuer.registry.client_keys import ClientKeys
from issuer.registry.federation import Federation
from issuer.registry.likeness import unlike
from issuer.registry.record import FAPI2, FAPI2_ALGS
from issuer.registry.released import Group, ReleasedClaim, Releasing
from issuer.registry.resource import Resource
from issuer.registry.settings import Settings
from issuer.registry.user import User
from keys.algorithms import ALGORITHMS
from keys.audience import canonical


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """Clients, resources, users and settings, checked against each other."""

    issuer: Settings
    resources: Mapping[str, Resource]
    clients: Mapping[str, Client]
    unlike: tuple[Client, ...] = field(repr=False)
    """One client of each kind: where it is good, so are those that are judged as it is."""
    users: Mapping[str, User]
    groups: Mapping[str, Group]
    claims: Mapping[str, ReleasedClaim]
    federations: Mapping[str, Federation]
    releasing: Releasing
    """What is told of whom, where, and with which scope."""
    scopes: Mapping[str, str]
    branding: Branding
    own: Resource
    """The issuer itself as a resource: it says who the user is."""
    callers: Callers[Client]
    """The clients, as they prove who they are."""
    resource_servers: Callers[Resource]
    """Those resources that may ask about tokens."""
    auth_methods: frozenset[str]
    """How some client proves who it is."""
    has_published_keys: bool
    """True where some client or federation publishes its keys, and has to be asked for them."""
    assertion_algs: frozenset[str]
    """What some client may sign for that."""
    id_token_algs: Mapping[str, str]
    """What ID tokens are signed by, and one client each of those who want that."""
    authorization_response_algs: Mapping[str, str]
    """What the answers to authorization requests are signed by, in the same way."""
    request_object_algs: frozenset[str]
    """What some client may sign its authorization requests by."""
    userinfo_algs: Mapping[str, str]
    """What the answers of /userinfo are signed by, in the same way."""
    sectors: frozenset[str]
    """Those in which users have a ``sub`` of their own."""
    known_scopes: frozenset[str]
    """What means something to some resource, the issuer itself included."""
    blocked_subjects: frozenset[str]
    """Whom no registry has to know to refuse them."""
    key_files: Mapping[str, ClientKeys]
    """What lies in the files that are named as a ``jwks_file``."""
    authorities: str | None = field(repr=False)
    """The certificates of those who vouch for clients of ``tls_client_auth``, in PEM."""
    cors_origins: frozenset[str]
    """From where scripts may ask, whosever client they are."""
    digest: str
    """``sha256:`` and the hex SHA-256 hash of the files' names and contents."""
    _by_canonical: Mapping[str, Resource] = field(repr=False)
    _by_iss: Mapping[str, Federation] = field(repr=False)
    _federated: Mapping[str, tuple[Client, ...]] = field(repr=False)
    _usernames: Mapping[str, User] = field(repr=False)
    _addresses: Mapping[str, User] = field(repr=False)
    _subjects: Mapping[str, User] = field(repr=False)
    _longest_access_token_lifetime: int = field(repr=False)
    _longest_sealed_lifetime: int = field(repr=False)
    _decoy_passwords: tuple[str, ...] = field(repr=False)

    @classmethod
    def of(  # noqa: PLR0913  the parts have names
        cls,
        issuer: Settings,
        *,
        resources: tuple[Resource, ...] = (),
        clients: tuple[Client, ...] = (),
        users: tuple[User, ...] = (),
        groups: tuple[Group, ...] = (),
        claims: tuple[ReleasedClaim, ...] = (),
        federations: tuple[Federation, ...] = (),
        scopes: Mapping[str, str] = MappingProxyType({}),
        branding: Branding = Branding(),  # noqa: B008  it never changes
        key_files: Mapping[str, ClientKeys] = MappingProxyType({}),
        authorities: str | None = None,
        digest: str = "",
    ) -> "Registry":
        """The registry of these records. Whether they fit together is not checked here."""
        releasing = Releasing.of(claims, groups, users)
        own = Resource(resource=issuer.url, scopes=releasing.scopes)
        by_client_id = MappingProxyType({each.client_id: each for each in clients})

        def signs_by(client: Client, registered: str | None) -> set[str]:
            keys = client.jwks or key_files.get(client.jwks_file or "")
            return set(client_keys.algs(keys, registered)).intersection(_algs_of(client, issuer))

        return cls(
            issuer=issuer,
            resources=MappingProxyType({each.resource: each for each in resources}),
            clients=by_client_id,
            unlike=unlike(clients),
            users=MappingProxyType({each.username: each for each in users}),
            groups=MappingProxyType({each.group: each for each in groups}),
            claims=MappingProxyType({each.claim: each for each in claims}),
            federations=MappingProxyType({each.federation: each for each in federations}),
            releasing=releasing,
            scopes=MappingProxyType(dict(scopes)),
            branding=branding,
            own=own,
            key_files=key_files,
            authorities=authorities,
            digest=digest,
            _by_canonical=MappingProxyType(
                {canonical(each.resource): each for each in (*resources, own)}
            ),
            _by_iss=MappingProxyType({each.issuer: each for each in federations}),
            _federated=MappingProxyType(_federated(clients)),
            _usernames=MappingProxyType(
                {precis.same_username(each.username): each for each in users}
            ),
            _addresses=MappingProxyType(
                {precis.same_address(each.email): each for each in users if each.email}
            ),
            _subjects=MappingProxyType({user.sub: user for user in users}),
            callers=Callers.of(by_client_id, digest),
            resource_servers=Callers.of(
                {each.name_at_introspection: each for each in resources if each.introspects}, digest
            ),
            known_scopes=frozenset(own.scopes).union(*(each.scopes for each in resources)),
            blocked_subjects=frozenset(issuer.blocked_subjects),
            cors_origins=frozenset(
                origin for client in clients for origin in client.allowed_cors_origins
            ),
            auth_methods=frozenset(each.auth_method for each in clients),
            has_published_keys=any(each.jwks_uri is not None for each in clients)
            or not all(each.has_keys for each in federations),
            assertion_algs=frozenset(
                alg
                for each in clients
                if each.signs_assertions
                for alg in signs_by(each, each.token_endpoint_auth_signing_alg)
            ),
            request_object_algs=frozenset(
                alg
                for each in clients
                if each.has_keys and "authorization_code" in each.grant_types
                for alg in signs_by(each, each.request_object_signing_alg)
            ),
            id_token_algs=MappingProxyType(
                {
                    each.id_token_signed_response_alg: each.client_id
                    for each in clients
                    if each.is_relying_party
                }
            ),
            authorization_response_algs=MappingProxyType(
                {
                    each.authorization_signed_response_alg: each.client_id
                    for each in clients
                    if each.authorization_signed_response_alg is not None
                }
            ),
            sectors=frozenset(each.sector for each in clients if each.is_pairwise),
            userinfo_algs=MappingProxyType(
                {
                    each.userinfo_signed_response_alg: each.client_id
                    for each in clients
                    if each.userinfo_signed_response_alg is not None
                }
            ),
            _longest_access_token_lifetime=_longest_access_token_lifetime(
                issuer, resources, clients
            ),
            _longest_sealed_lifetime=_longest_sealed_lifetime(issuer, clients),
            _decoy_passwords=tuple(user.password_hash for user in users if user.password_hash)
            or (secret.DECOY_PASSWORD_HASH,),
        )

    def resource(self, identifier: str) -> Resource | None:
        """The resource of this name, the issuer itself included.

        A slash behind a bare origin is the same resource (RFC 3986 section 6.2.3): what JavaScript
        makes of a URL.
        """
        return self.resources.get(identifier) or self._by_canonical.get(canonical(identifier))

    def client_keys(self, client: Client) -> ClientKeys | None:
        """The keys that ``client`` signs with; None where it has none, or none in the files."""
        if client.jwks_file is not None:
            return self.key_files.get(client.jwks_file)
        return client.jwks

    def federation_keys(self, federation: Federation) -> ClientKeys | None:
        """The keys of ``federation``; None where they are not in the files."""
        if federation.jwks_file is not None:
            return self.key_files.get(federation.jwks_file)
        return federation.jwks

    def federation_of(self, iss: object) -> Federation | None:
        """The federation whose tokens have this ``iss``."""
        return self._by_iss.get(iss) if isinstance(iss, str) else None

    def federated_with(self, federation: Federation) -> tuple[Client, ...]:
        """The clients that may come with its tokens."""
        return self._federated.get(federation.federation, ())

    def user_named(self, login: str) -> User | None:
        """The user with this username, as RFC 8265 compares it, or with this e-mail address."""
        username, address = precis.same_username(login), precis.same_address(login)
        return self._usernames.get(username) or self._addresses.get(address)

    def user_called(self, sub: str) -> User | None:
        """The user whom tokens call ``sub``."""
        return self._subjects.get(sub)

    def decoy_password(self, login: str) -> str:
        """Some user's password hash, for a login that has none.

        The same one for all the ways to write an address: a known one has one hash in all of them.
        """
        written = precis.same_address(precis.same_username(login)).encode(errors="surrogatepass")
        picked = crc32(written, crc32(self.digest.encode()))
        return self._decoy_passwords[picked % len(self._decoy_passwords)]

    def is_fapi2(self, client: Client) -> bool:
        """True where ``client`` is held to the FAPI 2.0 Security Profile."""
        return _is_fapi2(client, self.issuer)

    def algs_of(self, client: Client) -> Collection[str]:
        """What ``client`` may sign by, whatever its keys are for."""
        return _algs_of(client, self.issuer)

    def access_token_lifetime(self, client: Client, resource: Resource) -> int:
        """Seconds: the shorter of the client's and the resource's, the issuer's without either."""
        ours, theirs = client.access_token_lifetime, resource.access_token_lifetime
        if ours and theirs:
            return min(ours, theirs)
        return ours or theirs or self.issuer.access_token_lifetime

    def longest_access_token_lifetime_at(self, client: Client, resources: Iterable[str]) -> int:
        """Seconds that a token of ``client`` for any of ``resources`` can live."""
        found = [self.resource(each) or self.own for each in resources]
        return max([self.access_token_lifetime(client, each) for each in found], default=0)

    def longest_access_token_lifetime(self) -> int:
        """Seconds that any access token of this registry can live."""
        return self._longest_access_token_lifetime

    def longest_sealed_lifetime(self) -> int:
        """Seconds that any code or refresh token of this registry can live."""
        return self._longest_sealed_lifetime


def _is_fapi2(client: Client, issuer: Settings) -> bool:
    return (client.profile or issuer.profile) == FAPI2


def _algs_of(client: Client, issuer: Settings) -> Collection[str]:
    return FAPI2_ALGS if _is_fapi2(client, issuer) else ALGORITHMS


def _federated(clients: tuple[Client, ...]) -> dict[str, tuple[Client, ...]]:
    found: dict[str, dict[str, Client]] = {}
    for each in clients:
        for rule in each.federated:
            found.setdefault(rule.federation, {})[each.client_id] = each
    return {name: tuple(held.values()) for name, held in found.items()}


def _longest_access_token_lifetime(
    issuer: Settings, resources: tuple[Resource, ...], clients: tuple[Client, ...]
) -> int:
    held = [each.access_token_lifetime or 0 for each in resources]
    held += [each.access_token_lifetime or 0 for each in clients]
    return max([issuer.access_token_lifetime, *held])


def _longest_sealed_lifetime(issuer: Settings, clients: tuple[Client, ...]) -> int:
    held = [issuer.authorization_code_lifetime, issuer.refresh_token_lifetime]
    for client in clients:
        held += [client.authorization_code_lifetime or 0, client.refresh_token_lifetime or 0]
    return max(held)
