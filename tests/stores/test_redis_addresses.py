"""The ways to a Redis: sockets, users, passwords, TLS, Sentinel and clusters."""

import asyncio
import datetime
import ipaddress
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from issuer.stores.redis_url import PASSWORD_VARIABLE, SENTINEL_PASSWORD_VARIABLE
from tests.builders import NOW, a_once
from tests.redis_server import RedisServer, running_redis
from tests.running import CHECKOUT, free_port
from tests.stores.asking import Asked, Backing
from tests.stores.test_contract import a_grant

PASSWORD = "correct horse battery staple"
GUIDE = (Path(__file__).parents[2] / "issuer" / "stores" / "README.md").read_text()
GRANTED = re.search(r"ACL SETUSER issuer on >PASSWORD (.+)", GUIDE)


class A(Backing):
    """A backing whose URL is the test's own."""

    def __init__(self, folder: Path, replay_store: str) -> None:
        super().__init__("redis", folder, None)
        self.replay_store = replay_store


@pytest.fixture
def worker_at(tmp_path: Path) -> Iterator:
    opened: list[Asked] = []

    def open_(replay_store: str) -> Asked:
        opened.append(A(tmp_path, replay_store).open(None))
        return opened[-1]

    yield open_
    for each in opened:
        each.close()


@pytest.fixture(autouse=True)
def no_password(monkeypatch):
    for each in (PASSWORD_VARIABLE, SENTINEL_PASSWORD_VARIABLE):
        monkeypatch.delenv(each, raising=False)
        monkeypatch.delenv(f"{each}_FILE", raising=False)


def works(worker: Asked) -> bool:
    for _ in range(50):  # a busy machine may need more than the quarter of a second
        if worker.fault() == "":
            break
        worker.run(asyncio.sleep(0.1))
    return worker.spend(a_once()) and not worker.spend(a_once())


def test_a_socket_and_a_database_by_number(redis_server, worker_at):
    assert works(worker_at(f"unix://{redis_server.socket}?db=3"))
    assert works(worker_at(f"redis://127.0.0.1:{redis_server.port}/4"))
    assert {"db3", "db4"} == redis_server.ask("INFO", "keyspace").keys()


def test_a_user_with_what_the_guide_grants_and_a_password_from_the_environment(
    redis_server, worker_at, monkeypatch
):
    assert GRANTED
    redis_server.ask("ACL", "SETUSER", "issuer", "on", f">{PASSWORD}", *GRANTED[1].split())
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    worker = worker_at(f"redis://issuer@127.0.0.1:{redis_server.port}")
    assert works(worker)
    worker.tally("a", add=1, until=NOW + 60)
    worker.revoke(a_grant())
    worker.revoke(a_grant("grant:2"), now=NOW + 900)
    worker.revocations()
    worker.run(worker.store.spent(("authorization_code:1",), NOW))
    assert worker_at(redis_server.url.replace("redis://", "redis://stranger@")).fault() in {
        "AuthenticationError", "NOAUTH"
    }  # fmt: skip


def test_a_password_from_a_file_is_read_again_when_it_changes(
    redis_server, worker_at, monkeypatch, tmp_path
):
    path = tmp_path / "password"
    monkeypatch.setenv(f"{PASSWORD_VARIABLE}_FILE", str(path))
    redis_server.ask("CONFIG", "SET", "requirepass", PASSWORD)
    worker = worker_at(redis_server.url)
    assert worker.fault() == "NoPassword"
    path.write_text(f"{PASSWORD}\n")
    worker.run(asyncio.sleep(0.6))
    assert works(worker)
    path.write_text("wrong")
    assert worker_at(redis_server.url).fault() == "AuthenticationError"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory) -> Path:
    """A CA, and what it signed for a server at 127.0.0.1 and for a client."""
    folder = tmp_path_factory.mktemp("certificates")
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca = _certificate("ca", ca_key, "ca", ca_key)
    _write(folder, "ca", ca_key, ca)
    for name in ("server", "client"):
        key = ec.generate_private_key(ec.SECP256R1())
        _write(folder, name, key, _certificate(name, key, "ca", ca_key))
    return folder


def _certificate(name, key, by, by_key) -> x509.Certificate:
    def named(each):
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each)])

    today = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    return (
        x509.CertificateBuilder()
        .subject_name(named(name)).issuer_name(named(by)).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=name == by, path_length=None), critical=True)
        .sign(by_key, hashes.SHA256())
    )  # fmt: skip


def _write(folder, name, key, certificate) -> None:
    (folder / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / f"{name}.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )  # fmt: skip


def test_tls_with_a_ca_of_ones_own_and_a_client_certificate(tmp_path, certificates, worker_at):
    server = RedisServer(tmp_path)
    with running_redis(
        tmp_path, "--tls-port", str(server.port), "--tls-cert-file", f"{certificates}/server.pem",
        "--tls-key-file", f"{certificates}/server.key", "--tls-ca-cert-file",
        f"{certificates}/ca.pem",
    ):  # fmt: skip
        at = f"rediss://127.0.0.1:{server.port}"
        ours = f"ssl_certfile={certificates}/client.pem&ssl_keyfile={certificates}/client.key"
        assert works(worker_at(f"{at}?ssl_ca_certs={certificates}/ca.pem&{ours}"))
        assert worker_at(f"{at}?{ours}").fault()  # a CA that nobody knows
        assert worker_at(f"{at}?ssl_ca_certs={certificates}/ca.pem").fault()  # nobody special
        assert worker_at(at.replace("rediss", "redis")).fault()
        assert worker_at(f"{at}?ssl_ca_certs={certificates}/none.pem&{ours}").fault()


def test_sentinel_says_where_the_master_is_also_when_it_moves(tmp_path, worker_at, monkeypatch):
    """F14: after a failover nothing that was issued before is vouched for."""
    one, two, watching = (tmp_path / name for name in ("one", "two", "sentinel"))
    for each in (one, two, watching):
        each.mkdir()
    with running_redis(one) as first, running_redis(two) as second:
        second.ask("REPLICAOF", "127.0.0.1", first.port)
        configuration = watching / "sentinel.conf"
        configuration.write_text(
            f'sentinel monitor mymaster 127.0.0.1 {first.port} 1\nrequirepass "{PASSWORD}"\n'
        )
        with running_redis(watching, configuration=configuration) as sentinel:
            monkeypatch.setenv(SENTINEL_PASSWORD_VARIABLE, PASSWORD)
            worker = worker_at(f"redis+sentinel://127.0.0.1:1,127.0.0.1:{sentinel.port}/mymaster/0")
            assert works(worker)
            wait_for_link(second)
            with redis.Redis(port=sentinel.port, password=PASSWORD) as client:
                client.execute_command("SENTINEL", "FAILOVER", "mymaster")
            for number in range(100):
                worker.run(asyncio.sleep(0.1))
                if second.ask("ROLE")[0] == "master" and worker.fault(NOW + number) == "":
                    break
            assert second.ask("ROLE")[0] == "master"
            assert worker.fault(NOW + 100) == ""
            assert not worker.spend(a_once("authorization_code:1"))


def wait_for_link(replica: RedisServer) -> None:
    for _ in range(100):
        if replica.ask("INFO", "replication").get("master_link_status") == "up":
            return
        time.sleep(0.1)
    raise AssertionError("the replica finds no master")


def test_a_cluster_is_asked_where_the_keys_of_the_issuer_lie(tmp_path, worker_at):
    one, two = tmp_path / "one", tmp_path / "two"
    for each in (one, two):
        each.mkdir()
    with (
        running_redis(one, *CLUSTER, str(free_port())) as first,
        running_redis(two, *CLUSTER, str(free_port())) as second,
    ):
        first.ask("CLUSTER", "ADDSLOTSRANGE", 0, 8191)
        second.ask("CLUSTER", "ADDSLOTSRANGE", 8192, 16383)
        bus = second.ask("CONFIG", "GET", "cluster-port")["cluster-port"]
        first.ask("CLUSTER", "MEET", "127.0.0.1", second.port, bus)
        for _ in range(100):
            states = [each.ask("CLUSTER", "INFO") for each in (first, second)]
            if all("cluster_state:ok" in state for state in states):
                break
            time.sleep(0.1)
        worker = worker_at(f"redis+cluster://127.0.0.1:1,127.0.0.1:{first.port}")
        assert works(worker)
        assert sorted(each.ask("DBSIZE") for each in (first, second)) == [0, 3]


CLUSTER = ("--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-port")


def test_whoever_has_no_redis_py_is_told_what_to_install_and_needs_none_without_redis():
    program = """
import sys
sys.modules["hiredis"] = None
from issuer import app, stores
assert "redis" not in sys.modules
print(stores.fault("sqlite:replay.db") or stores.fault("redis://redis.example"))
"""
    said = subprocess.run(
        [sys.executable, "-c", program], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    assert said.stdout == "needs redis-py and hiredis: pip install '.[server,redis]'\n"
