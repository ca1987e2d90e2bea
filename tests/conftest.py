"""Fixtures shared by all tests."""

from pathlib import Path

import pytest

from reference.small_training import SmallData

REFERENCE_DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def reference_data():
    """Folder of published reference files; not part of the project."""
    if not REFERENCE_DATA.is_dir():
        pytest.skip("published reference data are not on this machine")
    return REFERENCE_DATA


@pytest.fixture(scope="session")
def small_data(tmp_path_factory):
    """SmallData that tests only read."""
    return SmallData.written(tmp_path_factory.mktemp("small_data"))
