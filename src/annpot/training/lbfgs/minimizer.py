"""SciPy's L-BFGS-B without bounds, iteration by iteration, from a state in arrays.

SciPy's routine asks for the loss and its gradient and says when an iteration is done;
what it remembers between two calls lies in arrays of the caller. They are the state of
this minimizer, so that a run resumes exactly. `scipy.optimize.minimize` drives the same
routine in the same way, but keeps the arrays to itself.

Sources: R. H. Byrd, P. Lu, J. Nocedal, C. Zhu, SIAM J. Sci. Comput. 16, 1190 (1995);
line search of J. J. More, D. J. Thuente, ACM Trans. Math. Softw. 20, 286 (1994).
"""

import numpy as np

from annpot.errors import InputError

# The routine has no public name: its arguments are known in these versions.
FIRST_VERSION, VERSION_AFTER = (1, 15), (1, 18)
START, NEW_X, ASKED, CONVERGED = 0, 1, 3, 4  # task[0] of the routine
GAINED_NOTHING = "the loss does not fall any more"
FOUND_NOTHING = "the line search finds no smaller loss"


class Minimizer:
    """Minimizes a function whose gradient is known.

    Args:
        n: number of variables.
        memory: pairs of steps and of changes of the gradient that it keeps.
        line_search: evaluations of one line search at most.
    """

    def __init__(self, n, memory, line_search=20):
        self._routine, self._libraries = library_routine()
        self.memory, self.line_search = memory, line_search
        m = memory
        self._arrays = {
            "x": np.zeros(n),
            "f": np.zeros(1),
            "g": np.zeros(n),
            "wa": np.zeros(2 * m * n + 5 * n + 11 * m * m + 8 * m),
            "iwa": np.zeros(3 * n, np.int32),
            "task": np.zeros(2, np.int32),
            "lsave": np.zeros(4, np.int32),
            "isave": np.zeros(44, np.int32),
            "dsave": np.zeros(29),
            "ln_task": np.zeros(2, np.int32),
        }
        self._bounds = np.zeros(n), np.zeros(n), np.zeros(n, np.int32)  # none

    @property
    def x(self):
        """(n,) where it is."""
        return self._arrays["x"]

    @property
    def ended(self):
        """Why there is nothing more to gain, or None."""
        task = int(self._arrays["task"][0])
        if task in (START, NEW_X, ASKED):
            return None
        return GAINED_NOTHING if task == CONVERGED else FOUND_NOTHING

    def state(self):
        """{name: array} of all that the next iteration depends on."""
        return dict(self._arrays)

    def set_state(self, stored):
        """Go on with what `state` gave; other sizes are not taken."""
        if any(
            name not in stored or stored[name].shape != own.shape
            for name, own in self._arrays.items()
        ):
            return
        for name, own in self._arrays.items():
            own[...] = stored[name]

    def begin(self, x):
        """Begin at x (n,), with nothing remembered."""
        for own in self._arrays.values():
            own[...] = 0
        self.x[...] = x

    def iterate(self, evaluate):
        """One iteration: a direction, and a line search along it.

        Args:
            evaluate: function of x (n,) that gives (loss, gradient (n,), record); the
                last point that it is called with is where the iteration ends.

        Returns:
            record of that point.
        """
        own, record = self._arrays, None
        while self.ended is None:
            self._call()
            if own["task"][0] == NEW_X:
                return record
            if own["task"][0] == ASKED:
                own["f"][0], own["g"][...], record = evaluate(own["x"])
        # The routine went back to the best point, which was not the last one.
        return evaluate(own["x"])[2]

    def _call(self):
        own = self._arrays
        # Vectors of this length are too short for threads, which wait for each other
        # ten times as long as they work; and one thread sums in one order.
        with self._libraries.limit(limits=1, user_api="blas"):
            self._routine(
                self.memory, own["x"], *self._bounds, own["f"][0], own["g"], 0.0, 0.0,
                own["wa"], own["iwa"], own["task"], own["lsave"], own["isave"],
                own["dsave"], self.line_search, own["ln_task"],
            )  # fmt: skip


def library_routine():
    """(SciPy's routine, control of the threads of the libraries it is made with).

    Raises:
        InputError: SciPy or threadpoolctl is missing, or SciPy is of a version whose
            routine is not known.
    """
    try:
        import scipy
        from scipy.optimize._lbfgsb import setulb
        from threadpoolctl import ThreadpoolController
    except ImportError as error:
        raise InputError(
            f"optimizer = lbfgs needs SciPy and threadpoolctl ({error}). Install "
            "annpot's requirements, or choose another optimizer."
        ) from error
    version = tuple(int(part) for part in scipy.__version__.split(".")[:2])
    if not FIRST_VERSION <= version < VERSION_AFTER:
        first, after = (
            ".".join(map(str, one)) for one in (FIRST_VERSION, VERSION_AFTER)
        )
        raise InputError(
            f"optimizer = lbfgs needs SciPy {first} or newer, before {after}; this is "
            f"{scipy.__version__}. Install such a version, or choose another optimizer."
        )
    return setulb, ThreadpoolController()
