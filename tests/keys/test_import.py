"""What ``import keys`` brings with it, and what not."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import keys

PRIVATE_HALF = {
    "signing",
    "randomness",
    "sealing",
    "ring",
    "ring_file",
    "ring_text",
    "rotation",
    "subjects",
}
PRIVATE_HALF |= {"instants", "issued", "located", "timetable"}
MODULES = sorted(Path(keys.__file__).parent.glob("*.py"))
MAC_MODULES = sorted((Path(keys.__file__).parent / "mac").glob("*.py"))
CLIENTS = {"requests", "httpx"}
"""The modules that are named for the one library they may import."""
FRAMEWORKS = {"falcon", "starlette", "fastapi", "flask", "django", "requests", "httpx", "pydantic"}


def loaded_by(module: str) -> set[str]:
    # What coverage brings into every process is not what the module brings.
    program = f"import sys; had = {{*sys.modules}}; import {module}; print(*{{*sys.modules}} - had)"
    told = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        check=True,
        text=True,
        cwd=MODULES[0].parents[1],
    )
    return set(told.stdout.split())


def imported_by(path: Path) -> set[str]:
    """The top-level packages that are not of the standard library."""
    imported = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            imported.add(node.module)
    return {name.partition(".")[0] for name in imported} - sys.stdlib_module_names


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    return loaded_by("keys")


def test_importing_keys_does_not_import_the_private_half(loaded):
    assert not loaded & {f"keys.{name}" for name in PRIVATE_HALF}
    assert "keys.verifier" in loaded


def test_importing_keys_imports_no_framework_and_nothing_of_the_issuer(loaded):
    assert not {name.partition(".")[0] for name in loaded} & (FRAMEWORKS | {"issuer", "joserfc"})
    assert not loaded & {"keys.mac", "sqlite3"}


def test_importing_the_signer_brings_no_client_library():
    assert not {name.partition(".")[0] for name in loaded_by("keys.dpop_signer")} & FRAMEWORKS


def test_importing_the_mac_room_brings_joserfc_and_no_more(loaded):
    with_mac = loaded_by("keys.mac")
    assert {"keys.mac.verifier", "joserfc"} <= with_mac
    assert not with_mac & {f"keys.{name}" for name in PRIVATE_HALF}
    assert not {name.partition(".")[0] for name in with_mac} & (FRAMEWORKS | {"issuer"})


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_a_module_imports_pyjwt_cryptography_keys_and_the_standard_library_alone(path):
    # The private half is the issuer's, and has what the server extra brings.
    allowed = (
        {"msgspec"} if path.stem in PRIVATE_HALF else {path.stem.removeprefix("dpop_")} & CLIENTS
    )
    assert imported_by(path) <= {"keys", "jwt", "cryptography"} | allowed


@pytest.mark.parametrize("path", MAC_MODULES, ids=lambda path: path.name)
def test_a_module_of_the_mac_room_imports_joserfc_too(path):
    allowed = {path.stem} & CLIENTS
    assert imported_by(path) <= {"keys", "joserfc", "cryptography"} | allowed


def test_every_module_belongs_to_one_half():
    modules = {path.stem for path in MODULES} - {"__init__"}
    public = {"algorithms", "claims", "encoding", "errors", "fetching", "jwks", "jws", "key_set"}
    public |= {"clock", "feed", "following", "revocations", "client_certificates", "mtls", "peers"}
    public |= {"access_tokens", "admission", "asgi", "authority", "file_text", "private_file"}
    public |= {"audience", "deadline", "spent", "spent_file", "verifier", "wsgi", "__main__"}
    public |= {"dpop", "dpop_nonce", "dpop_policy", "replays", "target_uri"}
    public |= {"dpop_signer", "dpop_httpx", "dpop_requests", "resource_metadata"}
    assert modules == public | PRIVATE_HALF
