"""The number of threads follows from settings and data, never from the machine."""

import os
from types import SimpleNamespace

import pytest

from annpot.training.threads import FEW, MANY, SMALL_BATCH, number_of_threads


def threads(batch_size, n_features, asked=0):
    config = SimpleNamespace(
        io=SimpleNamespace(threads=asked),
        training=SimpleNamespace(batch_size=batch_size),
    )
    return number_of_threads(config, n_features)


@pytest.mark.parametrize("n_cores", [1, 64])
def test_large_steps_get_more_whatever_the_machine_has(monkeypatch, n_cores):
    monkeypatch.setattr(os, "cpu_count", lambda: n_cores)
    n_features = int(SMALL_BATCH) // 100
    assert threads(99, n_features) == FEW
    assert threads(100, n_features) == MANY


def test_the_number_of_the_ini_file_is_taken():
    assert threads(1, 1, asked=3) == threads(10**6, 1000, asked=3) == 3
