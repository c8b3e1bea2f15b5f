"""How proxies spell certificates: ``Client-Cert`` of RFC 9440, and what others really send."""

import hashlib
from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.client_certificates import (
    MAX_FIELD,
    CertificateHeader,
    InvalidCertificate,
    of_connection,
    thumbprint,
)
from tests.rfc8705.certificates import (
    AUTHORITY,
    BILLING,
    STRANGER,
    an_authority,
    by_apache,
    by_aws,
    by_envoy,
    by_haproxy,
    by_nginx,
    by_rfc_9440,
    certified,
)

INTERMEDIATE = an_authority("CN=Between", by=AUTHORITY)

SPELLINGS = [
    pytest.param("Client-Cert", by_rfc_9440(BILLING), id="RFC 9440"),
    pytest.param("X-SSL-Client-Cert", by_nginx(BILLING), id="nginx"),
    pytest.param("X-SSL-Client-Cert", by_haproxy(BILLING), id="HAProxy"),
    pytest.param("X-SSL-Client-Cert", by_rfc_9440(BILLING), id="HAProxy with colons"),
    pytest.param("X-SSL-Client-Cert", by_apache(BILLING), id="Apache"),
    pytest.param("X-Amzn-Mtls-Clientcert", by_aws(BILLING), id="AWS"),
    pytest.param("X-Forwarded-Client-Cert", by_envoy(BILLING), id="Envoy"),
]


@pytest.mark.parametrize(("name", "value"), SPELLINGS)
def test_each_proxy_says_it_in_its_own_way(name, value):
    assert CertificateHeader(name).read(value) == (BILLING.der,)


@pytest.mark.parametrize(
    ("name", "value", "chain"),
    [
        pytest.param("Client-Cert", by_rfc_9440(BILLING), by_rfc_9440(INTERMEDIATE), id="RFC 9440"),
        pytest.param("X-Amzn-Mtls-Clientcert", by_aws(BILLING, INTERMEDIATE), "", id="AWS"),
        pytest.param(
            "X-Forwarded-Tls-Client-Cert", by_haproxy(BILLING, INTERMEDIATE), "", id="Traefik"
        ),
        pytest.param("X-Forwarded-Client-Cert", by_envoy(BILLING, INTERMEDIATE), "", id="Envoy"),
    ],
)
def test_some_pass_on_what_leads_to_the_authority(name, value, chain):
    assert CertificateHeader(name).read(value, chain) == (BILLING.der, INTERMEDIATE.der)


@pytest.mark.parametrize("value", ["", "(null)"])
@pytest.mark.parametrize("name", ["Client-Cert", "X-SSL-Client-Cert", "X-Forwarded-Client-Cert"])
def test_a_proxy_may_say_that_there_is_none(name, value):
    assert CertificateHeader(name).read(value) == ()
    assert CertificateHeader(name).find([(b"host", b"x")]) == ()


def test_of_several_elements_the_last_is_of_the_proxy_that_we_know():
    """Envoy appends its own to what it was sent, where it is told to."""
    header = CertificateHeader("X-Forwarded-Client-Cert")
    assert header.read(f"{by_envoy(STRANGER)},{by_envoy(BILLING)}") == (BILLING.der,)
    with pytest.raises(InvalidCertificate, match="the last element has no Cert"):
        header.read(f"{by_envoy(BILLING)},By=spiffe://x/y;Hash=00")
    # What a client sends ahead of it cannot swallow it.
    for forged in (f'Cert="{by_nginx(STRANGER)}";X="', 'X="', '"', ",", ";", "X"):
        for own in (by_envoy(BILLING), 'By=x;Hash=00;Subject="CN=a"'):
            with pytest.raises(InvalidCertificate):
                header.read(f"{forged},{own}")
    assert header.read(f"By=x,{by_envoy(BILLING)}") == (BILLING.der,)


@pytest.mark.parametrize(("name", "value"), SPELLINGS)
def test_a_field_that_is_there_twice_is_refused(name, value):
    """One of the two may be the client's own, and proxies differ in which one they send first."""
    header, field = CertificateHeader(name), (name.lower().encode(), value.encode())
    for fields in ([field, field], [field, (field[0], b"")], [(field[0], b""), field]):
        with pytest.raises(InvalidCertificate, match="more than once"):
            header.find(fields)
    assert header.find([field, (b"x-other", b"")]) == (BILLING.der,)


def test_each_name_has_its_own_spelling():
    """Where one is agreed on, no other is taken: there is less to get wrong."""
    for name in ("Client-Cert", "X-Forwarded-Client-Cert"):
        own = {"Client-Cert": by_rfc_9440, "X-Forwarded-Client-Cert": by_envoy}[name]
        for spell in (by_rfc_9440, by_envoy, by_nginx, by_haproxy, by_apache):
            if spell is not own:
                with pytest.raises(InvalidCertificate):
                    CertificateHeader(name).read(spell(BILLING))
        assert CertificateHeader(name).read(own(BILLING)) == (BILLING.der,)


DER = BILLING.der


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(":" + by_haproxy(BILLING), id="one colon"),
        pytest.param(by_rfc_9440(BILLING)[:-6] + ":", id="cut"),
        pytest.param(f"{by_rfc_9440(BILLING)};a=1", id="with a parameter"),
        pytest.param(":" + urlsafe_b64encode(DER).decode() + ":-_", id="base64url"),
        pytest.param(by_rfc_9440(BILLING).replace("A", "\xc4", 1), id="not ASCII"),
        pytest.param(by_nginx(BILLING).replace("A", "%C4", 1), id="not ASCII, escaped"),
        pytest.param(":AAAA:", id="no certificate"),
        pytest.param("::", id="nothing between the colons"),
        pytest.param(":", id="a colon"),
        pytest.param(by_apache(BILLING)[:-8], id="PEM without its end"),
        pytest.param(by_apache(BILLING) + "x", id="PEM and more"),
        pytest.param(f"x{by_apache(BILLING)}", id="more and PEM"),
        pytest.param(by_apache(BILLING).replace("CERTIFICATE", "X509 CRL"), id="another PEM"),
        pytest.param(by_haproxy(BILLING, BILLING), id="two fields that a server made one"),
        pytest.param(by_aws(*[BILLING] * 9), id="nine"),
        pytest.param(":" + "A" * MAX_FIELD + ":", id="too long"),
        pytest.param("SUCCESS", id="what nginx says of it"),
        pytest.param("FAILED:self-signed certificate", id="what nginx says against it"),
    ],
)
def test_what_is_no_certificate_is_refused(value):
    header = CertificateHeader("X-SSL-Client-Cert")
    with pytest.raises(InvalidCertificate) as refused:
        header.read(value)
    assert value not in str(refused.value)
    assert header.read(by_nginx(BILLING)) == (DER,)


@given(st.one_of(st.text(max_size=300), st.binary(max_size=300).map(lambda b: b.decode("latin-1"))))
def test_whatever_is_sent_is_read_or_refused(value):
    for name in ("Client-Cert", "X-SSL-Client-Cert", "X-Forwarded-Client-Cert"):
        try:
            found = CertificateHeader(name).read(value)
        except InvalidCertificate:
            continue
        assert found == ()


@pytest.mark.parametrize(("name", "value"), SPELLINGS)
@given(st.data())
def test_one_character_makes_the_difference(name, value, data):
    position = data.draw(st.integers(0, len(value) - 1))
    changed = value[:position] + data.draw(st.characters()) + value[position + 1 :]
    try:
        found = CertificateHeader(name).read(changed)
    except InvalidCertificate:
        return
    # Another certificate, which nobody signed; or an element says something else beside it.
    assert len(found) == 1


@pytest.mark.parametrize("name", ["", "a b", "a:b", "X-Ä", "a\nb"])
def test_a_name_that_no_field_has_is_refused(name):
    with pytest.raises(ValueError, match="name of a header field"):
        CertificateHeader(name)
    assert CertificateHeader("X-SSL-Client-Cert").name == "x-ssl-client-cert"


def test_the_thumbprint_is_of_the_whole_certificate():
    """RFC 8705 section 3.1."""
    hashed = urlsafe_b64encode(hashlib.sha256(BILLING.der).digest()).decode().rstrip("=")
    assert thumbprint(BILLING.der) == hashed
    assert thumbprint(certified(key=BILLING.key).der) != hashed


def test_a_server_may_say_it_of_the_connection_itself():
    """The TLS extension of ASGI."""
    scope = {"extensions": {"tls": {"client_cert_chain": [BILLING.pem, INTERMEDIATE.pem]}}}
    assert of_connection(scope) == (BILLING.der, INTERMEDIATE.der)
    nothing = [{}, {"extensions": None}, {"extensions": {}}, {"extensions": {"tls": {}}}]
    assert all(of_connection(each) == () for each in nothing)
    with pytest.raises(InvalidCertificate):
        of_connection({"extensions": {"tls": {"client_cert_chain": ["x"]}}})
