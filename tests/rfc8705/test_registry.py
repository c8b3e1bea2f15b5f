"""What a registry says of clients with certificates, and what is wrong with that."""

import pytest

from issuer.registry import distinguished_name, files
from issuer.registry.client_certificates import read_authorities
from keys.algorithms import ALGORITHMS
from tests.builders import API
from tests.rfc8705.certificates import AUTHORITY, BILLING, an_authority, certified
from tests.rfc8705.registries import a_table, parsed, problems_in

PLAIN = {"client_secrets": [{"hash": "sha256:" + "A" * 43}]}
BOUND = PLAIN | {"tls_client_certificate_bound_access_tokens": True}


def test_tokens_can_be_bound_where_certificates_can_be_known():
    table = a_table(BOUND)
    assert problems_in(table) == []
    assert parsed(table).clients["billing"].is_bound
    table["issuer"].pop("client_certificate_header")
    (problem,) = problems_in(table)
    assert problem.startswith("clients.billing.tls_client_certificate_bound_access_tokens: ")
    assert "client_certificate_header" in problem
    table["issuer"]["tls_client_certificates"] = True
    assert problems_in(table) == []


def test_a_token_is_bound_to_one_key():
    (problem,) = problems_in(a_table(BOUND | {"dpop_bound_access_tokens": True}))
    assert problem.endswith(
        "cannot be beside dpop_bound_access_tokens: a token is bound to one key"
    )
    assert problems_in(a_table(BOUND)) == []


def test_a_header_is_believed_from_somebody_or_not_at_all():
    table = a_table(BOUND)
    table["issuer"].pop("trusted_proxies")
    (problem,) = problems_in(table)
    assert problem.startswith("issuer.client_certificate_header: needs trusted_proxies")


@pytest.mark.parametrize(
    "name", ["Authorization", "X-Forwarded-For", "DPoP", "Cookie", "a b", "", "Client-Cert-Chain"]
)
def test_a_header_that_says_something_else_is_no_certificate(name):
    (problem,) = problems_in(a_table(PLAIN, client_certificate_header=name))
    assert problem.startswith("issuer.client_certificate_header: ")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        pytest.param({"mtls_url": "https://mtls.issuer.example/x"}, "path of url", id="a path"),
        pytest.param({"mtls_url": "http://mtls.issuer.example"}, "https", id="no TLS"),
        pytest.param({"mtls_url": "https://mtls.issuer.example/"}, "slash", id="a slash"),
        pytest.param(
            {"mtls_url": "https://mtls.issuer.example", "client_certificate_header": None},
            "needs client_certificate_header",
            id="no certificates",
        ),
    ],
)
def test_the_other_url_is_of_this_issuer(settings, sentence):
    table = a_table(PLAIN, **settings)
    if table["issuer"]["client_certificate_header"] is None:
        table["issuer"].pop("client_certificate_header")
    (problem,) = problems_in(table)
    assert problem.startswith("issuer.mtls_url: ")
    assert sentence in problem
    good = {"url": "https://issuer.example/a", "mtls_url": "https://mtls.issuer.example/a"}
    assert problems_in(a_table(BOUND, **good)) == []


@pytest.mark.parametrize(
    ("pem", "sentence"),
    [
        pytest.param("ca.pem", "1 to 100 certificates in PEM", id="a file's name"),
        pytest.param("", "1 to 100 certificates in PEM", id="nothing"),
        pytest.param(AUTHORITY.pem[:300], "cannot be read", id="cut"),
        pytest.param(BILLING.pem, "is no authority's", id="a client's certificate"),
        pytest.param(certified(extensions=()).pem, "is no authority's", id="says nothing of it"),
    ],
)
def test_those_who_vouch_are_authorities(pem, sentence):
    (problem,) = problems_in(a_table(PLAIN, client_certificate_authorities=pem))
    assert problem.startswith("issuer.client_certificate_authorities: ")
    assert sentence in problem


def test_a_bundle_may_have_comments_and_several():
    between = an_authority("CN=Between", by=AUTHORITY)
    bundle = f"# ours\nsubject=CN=x\n{AUTHORITY.pem}\n# theirs\n{between.pem}"
    assert read_authorities(bundle) == (AUTHORITY.certificate, between.certificate)


def test_those_who_vouch_may_lie_in_a_file_beside_the_registry(tmp_path):
    table = a_table(BOUND, client_certificate_authorities_file="ca.pem")
    del table["issuer"]["client_certificate_authorities"]
    good = {"ca.pem": AUTHORITY.pem.encode()}
    assert parsed(table, **good).authorities == AUTHORITY.pem
    for content in (b"", b"\xff", BILLING.pem.encode(), AUTHORITY.pem[:99].encode()):
        (problem,) = problems_in(table, **{"ca.pem": content})
        assert problem.startswith("ca.pem: ")
    (problem,) = problems_in(table)
    assert problem.startswith("ca.pem: is named in [issuer]")
    twice = a_table(BOUND, client_certificate_authorities_file="ca.pem")
    (problem,) = problems_in(twice, **good)
    assert problem.startswith("issuer.client_certificate_authorities: must not be there beside")


def test_the_file_is_read_with_the_registry(tmp_path):
    path = tmp_path / "registry.toml"
    path.write_text('[issuer]\nclient_certificate_authorities_file = "certs/ca.pem"\n')
    with pytest.raises(
        files.Unreadable, match=r"issuer\.client_certificate_authorities_file: ca\.pem: No such"
    ):
        files.read_registry(path)
    (tmp_path / "certs").mkdir()
    (tmp_path / "certs" / "ca.pem").write_text(AUTHORITY.pem)
    assert files.read_registry(path)["certs/ca.pem"] == AUTHORITY.pem.encode()


@pytest.mark.parametrize(
    "text",
    [
        "billing",
        "/CN=billing/O=Example",
        "O = Example, CN = billing",
        "CN=billing, O=Example",
        "CN=",
        "X=1",
        "CN=#0C0161",
        "",
    ],
)
def test_a_subject_is_spelt_as_rfc_4514_has_it(text):
    with pytest.raises(ValueError, match="as RFC 4514 spells it"):
        distinguished_name.check(text)
    assert distinguished_name.check("CN=billing,O=Example")


def test_one_name_has_many_spellings():
    """RFC 4514 section 5.1, RFC 5280 section 7.1."""
    name = distinguished_name.of_text("CN=The  Billing,O=Example+OU=Ärzte,C=DE")
    for spelling in (
        "cn=the billing,o=EXAMPLE+ou=\\C3\\A4rzte,c=de",
        "2.5.4.3=The Billing,OU=ärzte+O=Example,C=DE",
        "CN=\\54he Billing,O=Example+OU=A\u0308rzte,C=DE",
        "CN=\uff34he Billing,O=Example+OU=Ärzte,C=DE",
    ):
        assert distinguished_name.of_text(spelling) == name
    for other in (
        "O=Example+OU=Ärzte,CN=The Billing,C=DE",
        "CN=The Billing,O=Example,OU=Ärzte,C=DE",
        "CN=The Billing,O=Example,C=DE",
        "CN=TheBilling,O=Example+OU=Ärzte,C=DE",
        "CN=The Billing\\,O=Example+OU=Ärzte,C=DE",
    ):
        assert distinguished_name.of_text(other) != name


BY_SUBJECT = {
    "token_endpoint_auth_method": "tls_client_auth",
    "tls_client_auth_subject_dn": "CN=billing,O=Example",
}
SELF_SIGNED = {"token_endpoint_auth_method": "self_signed_tls_client_auth"}
JWKS = {"keys": [ALGORITHMS["ES256"].to_jwk(BILLING.certificate.public_key())]}


def test_a_client_is_known_by_one_name():
    """Section 2.1.2: exactly one."""
    assert problems_in(a_table(BY_SUBJECT)) == []
    (problem,) = problems_in(a_table(BY_SUBJECT | {"tls_client_auth_san_dns": "a.example"}))
    assert problem.startswith("clients.billing.tls_client_auth_san_dns: must not be there beside")
    nameless = {"token_endpoint_auth_method": "tls_client_auth"}
    (problem,) = problems_in(a_table(nameless))
    assert problem.startswith("clients.billing.tls_client_auth_subject_dn: must be there, or one")
    assert problems_in(a_table(nameless | {"tls_client_auth_san_ip": "::1"})) == []


@pytest.mark.parametrize(("name", "value"), [
    ("subject_dn", "billing"), ("san_dns", "*.example"), ("san_dns", "a.example:443"),
    ("san_dns", "bücher.example"), ("san_uri", "billing"), ("san_ip", "10.0.0.0/8"),
    ("san_ip", "billing"), ("san_email", "billing"), ("san_email", "a@b@c"), ("san_dns", ""),
])  # fmt: skip
def test_each_name_is_of_its_kind(name, value):
    given = {"token_endpoint_auth_method": "tls_client_auth", f"tls_client_auth_{name}": value}
    (problem,) = problems_in(a_table(given))
    assert problem.startswith(f"clients.billing.tls_client_auth_{name}: ")
    assert problems_in(a_table(BY_SUBJECT)) == []


def test_somebody_has_to_vouch_for_it():
    table = a_table(BY_SUBJECT)
    del table["issuer"]["client_certificate_authorities"]
    (problem,) = problems_in(table)
    assert problem.startswith("clients.billing.token_endpoint_auth_method: needs client_certif")
    table["clients"]["billing"] |= SELF_SIGNED | {"jwks": JWKS}
    del table["clients"]["billing"]["tls_client_auth_subject_dn"]
    assert problems_in(table) == []


@pytest.mark.parametrize("client", [BY_SUBJECT, SELF_SIGNED | {"jwks": JWKS}])
def test_certificates_come_from_somewhere(client):
    table = a_table(client)
    del table["issuer"]["client_certificate_header"]
    (problem,) = problems_in(table)
    assert "nothing says where they come from: set client_certificate_header" in problem
    table["issuer"]["tls_client_certificates"] = True
    assert problems_in(table) == []


def test_a_client_that_signs_its_own_registers_it():
    (problem,) = problems_in(a_table(SELF_SIGNED))
    assert problem.startswith("clients.billing.jwks: must have its certificate or its key")
    assert problems_in(a_table(SELF_SIGNED | {"jwks": JWKS})) == []
    assert problems_in(a_table(SELF_SIGNED | {"jwks_uri": "https://app.example/jwks"})) == []


def test_a_name_is_for_those_alone_who_are_known_by_it():
    for method in (PLAIN, SELF_SIGNED | {"jwks": JWKS}):
        table = a_table(method | {"tls_client_auth_san_dns": "a.example"})
        (problem,) = problems_in(table)
        assert problem.startswith("clients.billing.tls_client_auth_san_dns: is for token_endpoint")


def test_no_secret_is_beside_a_certificate():
    """What a thief can use in the place of the certificate makes it worth nothing."""
    for method in (BY_SUBJECT, SELF_SIGNED | {"jwks": JWKS}):
        (problem,) = problems_in(a_table(method | PLAIN))
        assert problem.startswith("clients.billing.client_secrets: contradict")
        assert problems_in(a_table(method)) == []


def test_a_resource_server_cannot_ask_by_certificate():
    table = a_table(BY_SUBJECT)
    table["resources"][API] |= PLAIN | {"introspection_endpoint_auth_method": "tls_client_auth"}
    (problem,) = problems_in(table)
    assert '"tls_client_auth" is for clients' in problem
