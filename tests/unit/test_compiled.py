"""Compilation goes on where nothing can be cached."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from annpot.compiled import COMPILING, compiled, told_when_slow

SOURCES = Path(__file__).parents[2] / "src"


def test_a_function_is_compiled_and_cached():
    @compiled()
    def double(x):
        return 2 * x

    assert double(3) == 6
    assert double._cache.cache_path


def test_without_a_writable_cache_folder_the_function_still_compiles(monkeypatch):
    def no_cache(function):
        raise RuntimeError("cannot cache function: no locator available")

    monkeypatch.setattr("annpot.compiled._FolderCache", no_cache)

    @compiled(nogil=True)
    def triple(x):
        return 3 * x

    assert triple(3) == 9


CALLED = """
from annpot.compiled import COMPILING, compiled, told_when_slow
@compiled()
def factor():
    return {factor}
"""
CALLER = """
from annpot.compiled import COMPILING, compiled, told_when_slow
from {folder}.called import factor
@compiled()
def times(x):
    return factor() * x
print(times(5), sum(times.stats.cache_hits.values()))
"""


@pytest.fixture
def kernels(tmp_path):
    """Function of a factor that runs a kernel which calls into another file."""
    folder = tmp_path / "kernels"
    folder.mkdir()
    (folder / "caller.py").write_text(CALLER.format(folder="kernels"))
    path = os.pathsep.join((str(tmp_path), str(SOURCES)))

    def run(factor, caller="kernels"):
        (folder / "called.py").write_text(CALLED.format(factor=factor))
        return subprocess.run(
            [sys.executable, "-c", f"import {caller}.caller"],
            capture_output=True, text=True, check=True,
            env=os.environ | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        ).stdout  # fmt: skip

    run.folder = folder
    return run


def test_a_change_in_a_file_that_a_kernel_calls_into_is_noticed(kernels):
    """Numba alone looks at the caller's file only and would go on printing 10."""
    assert kernels(2) == "10 0\n"
    assert kernels(2) == "10 1\n"
    assert kernels(30) == "150 0\n"


def test_so_is_one_in_a_folder_that_is_named(kernels):
    other = kernels.folder.parent / "others"
    other.mkdir()
    caller = CALLER.format(folder="kernels").replace("()", '(calls=("kernels",))', 1)
    (other / "caller.py").write_text(caller)
    assert kernels(2, "others") == "10 0\n"
    assert kernels(2, "others") == "10 1\n"
    assert kernels(30, "others") == "150 0\n"


@pytest.mark.parametrize("content", [b"", b"0.68.1", b"\x80\x04junk"])
def test_a_damaged_cache_is_started_anew(kernels, content):
    kernels(2)
    indices = list(kernels.folder.rglob("*.nbi"))
    assert len(indices) == 2
    for path in indices:
        path.write_bytes(content)
    assert kernels(2) == "10 0\n"
    assert kernels(2) == "10 1\n"


def test_numba_starts_without_scipy_and_leaves_it_usable():
    script = """
import sys, numba, numpy as np
from annpot.compiled import start_without_scipy
start_without_scipy()
assert not {"scipy.linalg", "scipy.sparse"} & set(sys.modules)
assert numba.njit(lambda x: np.sqrt(x).sum())(np.array([4.0, 9.0])) == 5.0
import scipy.linalg
assert numba.njit(lambda a: a @ a)(np.eye(3)).sum() == 3.0
print("fine")
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "fine\n"


def test_a_slow_start_is_told_and_a_fast_one_is_not(caplog):
    with told_when_slow(seconds=60):
        pass
    assert not caplog.messages
    with told_when_slow(seconds=0.01):
        time.sleep(0.2)
    assert caplog.messages == [COMPILING]
