"""Section 2: clients that are known by the certificate that they connect with."""

from base64 import b64encode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from msgspec.structs import replace

from issuer.browser import pushed
from issuer.client_auth.certificates import Authorities, authorities
from issuer.client_auth.credentials import NotProved
from issuer.errors import AccessTokenException
from issuer.registry.client_keys import examined
from issuer.server import AuthorizationServer
from keys.algorithms import ALGORITHMS
from tests.asking import a_request_of, ask, claims_of, told
from tests.browser.builders import a_form
from tests.builders import NOW, RING, SECRET, a_client, a_public_client, a_registry, basic
from tests.rfc8705.certificates import (
    AUTHORITY,
    BILLING,
    DAY,
    SERVER_AUTH,
    STRANGER,
    Certified,
    an_authority,
    certified,
    names,
)
from tests.rfc8705.connecting import by
from tests.rfc8705.registries import BEHIND_A_PROXY

GRANT = ("grant_type", "client_credentials")


def a_server(*clients, trusted: str | None = AUTHORITY.pem, **settings) -> AuthorizationServer:
    """One that trusts these authorities."""
    registry = a_registry(*clients, **(BEHIND_A_PROXY | settings))
    object.__setattr__(registry, "authorities", trusted)
    return AuthorizationServer.of(registry, RING)


def a_tls_client(client_id: str = "billing", **fields):
    given = {"tls_client_auth_subject_dn": "CN=billing,O=Example"} if not fields else {}
    return a_client(
        client_id,
        token_endpoint_auth_method="tls_client_auth",
        client_secrets=(),
        **given,
        **fields,
    )


def a_self_signed_client(*keys, client_id: str = "billing"):
    return a_client(
        client_id,
        token_endpoint_auth_method="self_signed_tls_client_auth",
        client_secrets=(),
        jwks=examined({"keys": [*keys]}),
    )


def a_jwk(found: Certified, alg: str = "ES256", **more):
    return ALGORITHMS[alg].to_jwk(found.certificate.public_key()) | more


def x5c(*found: Certified):
    return {"x5c": [b64encode(each.der).decode() for each in found]}


SELF = certified("CN=anything", extensions=())
SERVER = a_server(a_tls_client(), a_client("web"), a_public_client())
BY_KEY = a_server(a_self_signed_client(a_jwk(SELF)), trusted=None)


def asked(server, found, *chain, client_id="billing", now=NOW, authorization=None, **more):
    named = [("client_id", client_id)] if client_id is not None else []
    request = a_request_of(
        GRANT, *named, *more.items(), client_id=None, authorization=authorization, now=now
    )
    return ask(server, by(found, request, *chain))


def refusal(server, found, *chain, **more):
    """Why it is refused, for the log; all that the client is told is the same each time."""
    answer = asked(server, found, *chain, **more)
    assert (answer.status, answer.error) == (401, "invalid_client"), answer.body
    assert answer.body["error_description"] == "Client authentication failed."
    return answer.log["detail"]


def test_a_client_is_known_by_the_subject_of_its_certificate():
    """Section 2.1."""
    answer = asked(SERVER, BILLING)
    assert claims_of(SERVER, answer)["client_id"] == "billing"
    assert answer.log["credential"] == "tls_client_auth_subject_dn"
    assert "cnf" not in claims_of(SERVER, answer)


@pytest.mark.parametrize(("subject", "is_same"), [
    ("CN=billing,O=Example", True),
    ("CN=BILLING,O=example", True),
    ("CN=billing,O=Example,C=DE", False),
    ("O=Example,CN=billing", False),
    ("CN=billing", False),
    ("CN=billing2,O=Example", False),
    ("CN=billing,O=Example,O=Example", False),
    ("CN=billing+O=Example", False),
    (r"CN=billing\,O=Example", False),
    (r"CN=x,CN=billing,O=Example", False),
    (r"OU=billing,O=Example", False),
])  # fmt: skip
def test_a_subject_is_compared_part_by_part(subject, is_same):
    """Section 2.1.2, RFC 5280 section 7.1: a prefix, a part or another order is somebody else."""
    found = certified(subject, by=AUTHORITY)
    if is_same:
        assert asked(SERVER, found).status == 200
    else:
        assert refusal(SERVER, found) == "certificate: names somebody else"
    assert asked(SERVER, BILLING).status == 200


NAMES = [
    ("san_dns", "billing.example", {"dns": "Billing.example"}, {"dns": "x.billing.example"}),
    ("san_dns", "billing.example", {"dns": "a.example billing.example"}, {"dns": "*.example"}),
    ("san_uri", "spiffe://x/billing", {"uri": "spiffe://x/billing"}, {"uri": "spiffe://x/Billing"}),
    ("san_ip", "fd00:0::7", {"ip": "fd00::7"}, {"ip": "fd00::8"}),
    ("san_ip", "10.0.0.7", {"ip": "10.0.0.7"}, {"dns": "10.0.0.7"}),
    ("san_email", "b@Example.com", {"email": "b@example.com"}, {"email": "B@example.com"}),
    ("san_uri", "billing:example", {"uri": "billing:example"}, {"dns": "billing.example"}),
]


@pytest.mark.parametrize(("field", "name", "good", "bad"), NAMES)
def test_a_client_may_be_known_by_one_alternative_name(field, name, good, bad):
    """Section 2.1.2: compared whole, and each kind with its own."""
    server = a_server(a_tls_client(**{f"tls_client_auth_{field}": name}))
    for extension in ({"extensions": [names(**bad)]}, {}):
        found = certified(f"CN={name}", by=AUTHORITY, **extension)
        assert refusal(server, found) == "certificate: names somebody else"
    answer = asked(server, certified("CN=x", by=AUTHORITY, extensions=[names(**good)]))
    assert answer.log["credential"] == f"tls_client_auth_{field}"


def test_the_issuer_asks_itself_who_vouches_for_a_certificate():
    """A proxy that lets any certificate through, as nginx's optional_no_ca does, is no danger."""
    for found in (STRANGER, certified(), certified(by=SELF)):
        assert refusal(SERVER, found).startswith("certificate: nobody vouches for it: ")
    same_key = certified("CN=Client CA,O=Example", key=AUTHORITY.key, extensions=())
    assert refusal(SERVER, certified(by=certified(by=AUTHORITY)), same_key)
    unsure = a_server(a_tls_client(), trusted=None)
    assert refusal(unsure, BILLING) == "certificate: there is nobody who could vouch for it"
    assert asked(SERVER, BILLING).status == 200


def test_those_between_come_with_it_or_are_trusted_themselves():
    between = an_authority("CN=Between", by=AUTHORITY)
    found = certified(by=between)
    assert refusal(SERVER, found).startswith("certificate: nobody vouches")
    assert asked(SERVER, found, between).status == 200
    assert asked(SERVER, found, STRANGER, between, BILLING).status == 200
    alone = a_server(a_tls_client(), trusted=between.pem)
    assert asked(alone, found).status == 200
    both = a_server(a_tls_client(), trusted=an_authority("CN=Other").pem + AUTHORITY.pem)
    assert asked(both, BILLING).status == 200


def between(**how):
    """A certificate for billing, and who signed it, who is vouched for by the authority."""
    signer = an_authority("CN=Between", by=AUTHORITY, **how)
    return certified(by=signer), signer


def not_for(*excluded: x509.GeneralName) -> x509.ExtensionType:
    return x509.NameConstraints(permitted_subtrees=None, excluded_subtrees=[*excluded])


def test_an_authority_vouches_as_far_as_it_may():
    """RFC 5280 section 6."""
    short = an_authority("CN=Short", by=AUTHORITY, path_length=0)
    longer = an_authority("CN=Longer", by=short)
    client = certified("CN=x", by=AUTHORITY)  # is no authority, whatever it signs
    chains = {
        "for servers": (certified(by=AUTHORITY, extensions=[SERVER_AUTH]),),
        "by one who vouches for servers": between(extensions=[SERVER_AUTH]),
        "by a client": (certified(by=client), client),
        "one too many between": (certified(by=longer), longer, short),
        "by an expired one": between(ends=NOW - 1),
        "an authority itself": (an_authority("CN=billing,O=Example", by=AUTHORITY),),
    }
    for what, (found, *chain) in chains.items():
        detail = refusal(SERVER, found, *chain)
        assert detail.startswith("certificate: nobody vouches for it: "), what
        assert "Example" not in detail
    host = [names(dns="a.example")]
    server = a_server(a_tls_client(tls_client_auth_san_dns="a.example"))
    signer = an_authority("CN=N", by=AUTHORITY, extensions=[not_for(x509.DNSName("example"))])
    assert refusal(server, certified(by=signer, extensions=host), signer)
    # Which subjects one may vouch for is not understood, so it vouches for none.
    other = x509.DirectoryName(STRANGER.certificate.subject)
    signer = an_authority("CN=N", by=AUTHORITY, extensions=[not_for(other)])
    assert refusal(SERVER, certified(by=signer), signer)
    assert asked(server, certified(by=AUTHORITY, extensions=host)).status == 200
    assert asked(SERVER, certified(by=short), short).status == 200


@pytest.mark.parametrize("key", [
    rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP384R1()),
    ed25519.Ed25519PrivateKey.generate(),
])  # fmt: skip
def test_clients_have_keys_of_several_kinds(key):
    found = certified(by=AUTHORITY, key=key)
    assert asked(SERVER, found).status == 200
    server = a_server(a_self_signed_client({"kty": "EC", "crv": "P-384", **x5c(found)}))
    assert asked(server, found).status == 200


BEGINS, ENDS = NOW - DAY, NOW + 30 * DAY


@pytest.mark.parametrize("server", [SERVER, BY_KEY], ids=["vouched for", "self-signed"])
def test_a_certificate_is_good_from_its_first_second_to_its_last(server):
    found = BILLING if server is SERVER else SELF
    for now, why in (
        (ENDS, ""), (ENDS + 1, "expired 1 s ago"), (BEGINS, ""), (BEGINS - 1, "begins in 1 s"),
        (NOW, ""), (ENDS + 1, "expired 1 s ago"),
    ):  # fmt: skip
        if why:
            assert refusal(server, found, now=now) == f"certificate: {why}"
        else:
            # The ring's keys do not last as long: that is somebody else's subject.
            assert asked(server, found, now=now).error in (None, "temporarily_unavailable")


def test_who_vouched_is_remembered_for_as_long_as_all_of_them_do():
    """Also of an authority between that ends before what it vouched for."""
    found, signer = between(ends=NOW + 10)
    vouching = Authorities(AUTHORITY.pem)
    chain = (signer.der,)
    vouching.check(found.der, chain, NOW)
    vouching.check(found.der, chain, NOW + 10)
    for now in (NOW + 11, BEGINS - 1):
        with pytest.raises(NotProved):
            vouching.check(found.der, chain, now)
    with pytest.raises(NotProved):
        vouching.check(found.der, (), NOW)
    vouching.check(found.der, chain, NOW)
    assert authorities(AUTHORITY.pem) is authorities(AUTHORITY.pem)


def test_a_certificate_that_its_client_registered_needs_nobody():
    """Section 2.2: by its key, or whole."""
    again = certified("CN=another", key=SELF.key, extensions=())
    for found in (SELF, again):
        assert asked(BY_KEY, found).status == 200
    whole = a_server(a_self_signed_client(a_jwk(SELF, **x5c(SELF))), trusted=None)
    assert asked(whole, SELF).status == 200
    assert refusal(whole, again) == "certificate: neither it nor its key is registered"
    for stranger in (STRANGER, certified("CN=anything", extensions=())):
        assert refusal(BY_KEY, stranger) == "certificate: neither it nor its key is registered"


def test_a_client_that_changes_its_key_has_both_for_a_while():
    old, new = certified(), certified()
    server = a_server(
        a_self_signed_client(a_jwk(old, kid="old"), a_jwk(new, kid="new", **x5c(new)))
    )
    assert asked(server, old).log["credential"] == "key old"
    assert asked(server, new).log["credential"] == "key new"


def test_a_key_for_something_else_is_no_certificates():
    encrypting = a_server(a_self_signed_client(a_jwk(SELF, use="enc"), a_jwk(BILLING)))
    assert refusal(encrypting, SELF) == "certificate: neither it nor its key is registered"
    assert asked(encrypting, BILLING).status == 200


@pytest.mark.parametrize("server", [SERVER, BY_KEY], ids=["vouched for", "self-signed"])
def test_without_a_certificate_nobody_is_such_a_client(server):
    assert refusal(server, None) == "no certificate"
    request = a_request_of(GRANT, ("client_id", "billing"), client_id=None)
    for der in (b"\x30\x81\x80" + bytes(128), BILLING.der[:-1] + b"\x00", b"\x30\x82\x01\x00"):
        answer = ask(server, replace(request, certificate=der))
        assert (answer.status, answer.error) == (401, "invalid_client")
    assert asked(server, BILLING if server is SERVER else SELF).status == 200


def test_one_mechanism_and_the_registered_one():
    """P4: nothing passes as something else, whatever certificate is beneath it."""
    assert refusal(SERVER, BILLING, client_id="web").startswith("sent by none, registered is")
    assert refusal(SERVER, BILLING, client_id="nobody") == "unknown client"
    with_secret = {"authorization": basic("billing", SECRET), "client_id": None}
    assert refusal(SERVER, BILLING, **with_secret) == (
        "sent by client_secret_basic, registered is tls_client_auth"
    )
    assert refusal(SERVER, BILLING, client_secret=SECRET) == (
        "sent by client_secret_post, registered is tls_client_auth"
    )
    twice = asked(SERVER, BILLING, client_id="web", authorization=basic("web"), client_secret="x")
    assert (twice.status, twice.error) == (400, "invalid_request")
    unnamed = asked(SERVER, BILLING, client_id=None)
    assert (unnamed.status, unnamed.error) == (401, "invalid_client")
    # A certificate beneath it changes nothing for the others.
    web = asked(SERVER, STRANGER, client_id=None, authorization=basic("web"))
    assert claims_of(SERVER, web)["client_id"] == "web"
    assert asked(SERVER, BILLING).status == 200


def test_a_public_client_proves_nothing_by_a_certificate():
    """It is what it says it is, with one or without, and may not act for itself."""
    for found in (None, BILLING):
        answer = asked(SERVER, found, client_id="spa")
        assert (answer.status, answer.error) == (400, "unauthorized_client")


def test_whoever_is_refused_is_told_no_more_than_a_stranger():
    strangers = told(asked(SERVER, BILLING, client_id="nobody"))
    for found in (None, STRANGER, certified("CN=x", by=AUTHORITY)):
        assert told(asked(SERVER, found)) == strangers


def test_a_push_is_authenticated_alike():
    """RFC 9126 section 2: as at the token endpoint."""
    server = a_server(a_tls_client("web"))
    request = replace(a_request_of(client_id=None), form=a_form())
    assert pushed.push(server, by(BILLING, request)).response.status == 201
    for found in (None, STRANGER):
        with pytest.raises(AccessTokenException):
            pushed.push(server, by(found, request))
