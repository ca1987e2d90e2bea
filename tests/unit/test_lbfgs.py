"""SciPy's L-BFGS-B iteration by iteration: as `minimize` drives it, from its state."""

import numpy as np
import pytest
import scipy
from scipy.optimize import minimize, rosen, rosen_der

from annpot.errors import InputError
from annpot.training.lbfgs.minimizer import GAINED_NOTHING, Minimizer

START = np.array([-1.2, 1.0, 0.7, 1.9, -0.5])
MEMORY = 4


def evaluate(x):
    return rosen(x), rosen_der(x), x.copy()


def begun(start=START):
    minimizer = Minimizer(len(start), MEMORY)
    minimizer.begin(start)
    return minimizer


def iterated(minimizer, n):
    return np.array([minimizer.iterate(evaluate) for _ in range(n)])


def test_iterates_are_those_of_scipy():
    """The public function, to the last bit."""
    expected = []
    minimize(
        rosen, START, jac=rosen_der, method="L-BFGS-B",
        callback=lambda x: expected.append(x.copy()),
        options={"maxcor": MEMORY, "ftol": 0.0, "gtol": 0.0, "maxiter": 25},
    )  # fmt: skip
    np.testing.assert_array_equal(iterated(begun(), 25), expected)
    assert rosen(expected[-1]) < 1e-2 * rosen(START)


@pytest.mark.parametrize("cut", [1, 2, 7, 19])
def test_it_goes_on_from_its_state(cut):
    whole = iterated(begun(), 20)
    first = begun()
    iterated(first, cut)
    stored = {name: array.copy() for name, array in first.state().items()}
    second = Minimizer(len(START), MEMORY)
    second.set_state(stored)
    np.testing.assert_array_equal(iterated(second, 20 - cut), whole[cut:])


def test_a_state_of_another_size_is_not_taken():
    minimizer = begun()
    for other in (Minimizer(6, MEMORY).state(), Minimizer(5, 3).state(), {}):
        minimizer.set_state(other)
        np.testing.assert_array_equal(minimizer.x, START)


def test_it_says_when_there_is_nothing_more_to_gain():
    minimizer = begun()
    iterated(minimizer, 200)
    assert minimizer.ended == GAINED_NOTHING
    assert abs(rosen_der(minimizer.x)).max() < 1e-5
    np.testing.assert_array_equal(minimizer.iterate(evaluate), minimizer.x)


def test_a_line_search_without_success_goes_back():
    """A gradient of the wrong sign: the loss rises wherever it looks."""
    minimizer = begun()
    seen = []

    def wrong(x):
        seen.append(x.copy())
        return rosen(x), -rosen_der(x), x.copy()

    found = minimizer.iterate(wrong)
    assert minimizer.ended == "the line search finds no smaller loss"
    np.testing.assert_array_equal(found, START)
    assert len(seen) == 22  # the first point, 20 of the line search, the first again


@pytest.mark.parametrize("version", ["1.14.2", "1.18.0"])
def test_other_versions_of_scipy_are_refused(monkeypatch, version):
    monkeypatch.setattr(scipy, "__version__", version)
    with pytest.raises(InputError) as error:
        Minimizer(2, 2)
    assert str(error.value) == (
        "optimizer = lbfgs needs SciPy 1.15 or newer, before 1.18; this is "
        f"{version}. Install such a version, or choose another optimizer."
    )
