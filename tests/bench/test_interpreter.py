import platform
import sys

import pytest

from tests.bench.interpreter import Interpreter, Profile, ask

CONFIGURED = {"CONFIG_ARGS": "'--prefix=/opt'", "PGO_PROF_USE_FLAG": "-fprofile-use"}


def built(jit=None, **config):
    return Interpreter("3.14.0", "GCC 12", CONFIGURED | config, jit)


@pytest.mark.parametrize(("config", "profile"), [
    pytest.param({}, Profile.UNGUIDED, id="configure writes a flag down in any case"),
    pytest.param({"CONFIG_ARGS": "'--enable-optimizations'"}, Profile.GUIDED, id="asked for"),
    pytest.param({"PY_CORE_CFLAGS": "-O3 -fprofile-use"}, Profile.GUIDED, id="compiled with gcc"),
    pytest.param({"CFLAGS_NODIST": "-fprofile-instr-use=code"}, Profile.GUIDED, id="with clang"),
    pytest.param({"PGO_PROF_USE_FLAG": ""}, Profile.HIDDEN, id="Debian"),
])  # fmt: skip
def test_what_sysconfig_says_tells_whether_there_was_a_profile(config, profile):
    assert built(**config).profile is profile


def test_link_time_optimization_is_read_off_flags_and_arguments():
    assert built(CONFIG_ARGS="'--with-lto'").is_linked_as_one
    assert built(PY_LDFLAGS_NODIST="-flto -g").is_linked_as_one
    assert not built().is_linked_as_one


def test_a_name_says_what_makes_an_interpreter_fast_or_slow():
    assert built().name == "CPython 3.14.0 without PGO"
    assert built(CONFIG_ARGS="--enable-optimizations", jit=True).name == "CPython 3.14.0, JIT"
    free = built(CONFIG_ARGS="--enable-optimizations", Py_GIL_DISABLED=1, jit=False)
    assert free.name == "CPython 3.14.0, free-threaded"


def test_this_interpreter_can_be_asked():
    said = ask(sys.executable)
    assert said.version == platform.python_version()
    assert said.built.startswith(f"CPython {said.version}")
