"""``issuer init``."""

import re
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from issuer.registry import secret
from keys.ring import KeyRing


def secret_in(text: str) -> str:
    return re.search(r"client_secret +(\S+)", text)[1]


def test_it_writes_files_that_are_good_together(run, tmp_path):
    assert run("init").exit_code == 0
    assert {each.name for each in tmp_path.iterdir()} == {
        "registry.toml",
        "keyring.json",
        "gunicorn.conf.py",
    }
    assert run("check").exit_code == 0


def test_the_secret_is_printed_once_and_only_its_hash_is_kept(run, tmp_path):
    result = run("init")
    printed = secret_in(result.stdout)
    text = (tmp_path / "registry.toml").read_text()
    assert printed not in text
    assert secret.sha256_hash(printed) in text
    assert result.stdout.count(printed) == 2  # beside its name, and in the line that uses it
    assert printed not in result.stderr


def test_the_key_ring_is_its_owners_alone(run, tmp_path):
    run("init")
    assert stat.S_IMODE((tmp_path / "keyring.json").stat().st_mode) == 0o600


def test_both_lines_can_be_pasted(run):
    lines = [line.strip() for line in run("init").stdout.splitlines()]
    get = re.compile(r"TOKEN=\$\(curl -sS -u demo:\S+ -d grant_type=\S+ http\S+/token\)")
    assert any(get.fullmatch(line) for line in lines)
    assert any(x.endswith('-m keys http://127.0.0.1:8000 "$TOKEN"') for x in lines)


def test_twice_it_leaves_everything_alone_and_says_no_secret(run, tmp_path):
    run("init")
    before = {each: each.read_bytes() for each in tmp_path.iterdir()}
    again = run("init", "--url", "https://other.example")
    assert again.exit_code == 0
    assert again.stdout.count("was there, left alone") == 3
    assert "secret" not in again.stdout
    assert {each: each.read_bytes() for each in tmp_path.iterdir()} == before


def test_a_bad_file_that_is_there_is_refused_before_anything_is_written(run, tmp_path):
    (tmp_path / "registry.toml").write_text("[isuer]\n")
    result = run("init")
    assert result.exit_code == 1
    assert 'registry.toml: isuer: unknown table; did you mean "issuer"?' in result.stderr
    assert not (tmp_path / "keyring.json").exists()


def test_a_bad_key_ring_that_is_there_costs_no_secret(run, tmp_path):
    (tmp_path / "keyring.json").write_text("{}")
    (tmp_path / "keyring.json").chmod(0o600)
    assert run("init").exit_code == 1
    assert not (tmp_path / "registry.toml").exists()


def test_the_url_takes_its_port_from_the_environment(run, tmp_path, monkeypatch):
    monkeypatch.setenv("PORT", "9000")
    assert "http://127.0.0.1:9000/token" in run("init").stdout
    text = (tmp_path / "registry.toml").read_text()
    assert tomllib.loads(text)["issuer"]["url"] == "http://127.0.0.1:9000"


def test_a_url_that_is_no_issuer_is_a_mistake_of_the_command_line(run, tmp_path):
    result = run("init", "--url", "http://login.example")
    assert result.exit_code == 2
    assert "must be https" in result.stderr
    assert not list(tmp_path.iterdir())


def test_another_directory_is_made_and_the_steps_lead_there(run, tmp_path):
    result = run("init", "--directory", "new/place", "--alg", "EdDSA")
    assert result.exit_code == 0
    assert "cd new/place && " in result.stdout
    ring = KeyRing.parse((tmp_path / "new/place/keyring.json").read_bytes())
    assert [key.alg for key in ring.signing_keys] == ["EdDSA", "RS256"]


def test_the_file_of_settings_takes_all_of_ours(run, tmp_path):
    run("init")
    code = "import runpy; print(runpy.run_path('gunicorn.conf.py')['wsgi_app'])"
    environment = {"PYTHONPATH": str(Path(__file__).parents[2])}
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, check=True
    )
    assert said.stdout.strip() == b"issuer.app:get_app()"


def test_an_interpreter_within_the_directory_is_named_from_there(run, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / ".venv/bin/python"))
    page = run("init").stdout
    assert "\n    .venv/bin/gunicorn\n" in page
    assert '\n    .venv/bin/python -m keys http://127.0.0.1:8000 "$TOKEN"\n' in page


@pytest.mark.parametrize("option", ["--registry", "--keyring"])
def test_the_files_can_be_elsewhere(run, tmp_path, option):
    (tmp_path / "etc").mkdir()
    path = tmp_path / "etc" / "other.json" if option == "--keyring" else tmp_path / "etc/other.toml"
    assert run(option, str(path), "init").exit_code == 0
    assert path.exists()
    assert run(option, str(path), "check").exit_code == 0


def test_adding_the_resource_of_the_demo_says_that_it_is_the_demos(run, tmp_path):
    run("init")
    before = (tmp_path / "registry.toml").read_bytes()
    result = run("resource", "add", "https://api.example", "--scope", "read")
    assert result.exit_code == 1
    assert "`issuer init` made it for its demo" in result.stderr
    assert "Nothing was changed." in result.stderr
    assert (tmp_path / "registry.toml").read_bytes() == before
    assert run("resource", "add", "https://bills.example", "--scope", "read").exit_code == 0
    text = before.decode().replace("[clients.demo]", "[clients.mine]")
    (tmp_path / "registry.toml").write_text(text)
    again = run("resource", "add", "https://api.example", "--scope", "read")
    assert (again.exit_code, "demo" in again.stderr) == (1, False)
