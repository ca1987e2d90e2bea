"""Fixtures shared by all tests."""

from pathlib import Path

import pytest

from reference.small_training import SmallData, finished

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


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory, small_data):
    """FinishedRun of three epochs of seven steps that tests only read."""
    return finished(tmp_path_factory.mktemp("finished"), small_data)
