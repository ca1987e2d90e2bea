"""The state of the Gauss-Newton method and its step.

With the residuals r of a batch, J their derivatives by the weights w, D the squared
steps of weights (1) and biases (d), K = J D J^T, B its number of rows that are not
zero:

    alpha = (K + lambda (tr K / B) I)^-1 (r - mu J v)
    v <- mu v + D J^T alpha,      w <- w - eta v

v is the step that makes r - J v smallest in the sense of least squares with the damping
lambda, among all the one that differs least from mu v.

Source: G. Goldshlager, N. Abrahamsen, L. Lin, arXiv:2401.10190 (2024), there for
wavefunctions and with a bound on the length of a step. The damping relative to the
trace and D are not there.
"""

from annpot.networks.element_network import tf

SLOT = "increment"  # v


class GaussNewton:
    """Momentum of the method over variables.

    Attributes:
        iterations: number of steps done, a variable.
        first_steps: for each variable the step at which its slot was zero.
        slots: for each variable {name: variable}.
        family: name of those optimizers whose slots can go on in this one.

    Args:
        settings: GaussNewtonSettings.
        trained: {ParameterKey: variable}.
    """

    family, rest_factor = "gauss_newton", None

    def __init__(self, settings, trained):
        self.settings, self.trained = settings, trained
        self.iterations = tf.Variable(
            0, dtype=tf.int64, trainable=False, name="iterations"
        )
        self.first_steps = [0] * len(trained)
        self.slots = [
            {SLOT: tf.Variable(tf.zeros(variable.shape, variable.dtype), name=SLOT)}
            for variable in trained.values()
        ]

    def state(self):
        """{name: variable} of what the next step depends on beside slots and step."""
        return {}

    def set_state(self, stored):
        """Go on with what `state` gave."""

    def begin_at(self, step):
        """Count steps of all variables from a step on."""
        self.first_steps = [step] * len(self.trained)

    def increments(self):
        """{ParameterKey: v} as tensors."""
        return {
            key: tf.convert_to_tensor(slots[SLOT])
            for key, slots in zip(self.trained, self.slots, strict=True)
        }

    def assign(self, increments, weights):
        """Put v and the weights after a step into the variables.

        Args:
            increments, weights: {ParameterKey: tensor}.
        """
        for (key, variable), slots in zip(
            self.trained.items(), self.slots, strict=True
        ):
            slots[SLOT].assign(increments[key])
            variable.assign(weights[key])
        self.iterations.assign_add(1)


def solved(kernel, right, damping):
    """alpha (n_rows,) float64; NaN where anything is not finite.

    Args:
        kernel: K (n_rows, n_rows) float64.
        right: r - mu J v (n_rows,) float64.
        damping: lambda.
    """
    diagonal = tf.linalg.diag_part(kernel)
    n_rows = tf.math.count_nonzero(diagonal, dtype=tf.float64)
    mean = tf.reduce_sum(diagonal) / tf.maximum(n_rows, 1.0)
    # Rows without a label are zero; where all are, 1 keeps the matrix regular.
    added = tf.where(mean > 0.0, damping * mean, tf.ones_like(mean))
    matrix = tf.linalg.set_diag(kernel, diagonal + added)
    is_finite = tf.math.is_finite(tf.reduce_sum(kernel) + tf.reduce_sum(right))
    return tf.cond(
        is_finite,
        lambda: tf.linalg.cholesky_solve(tf.linalg.cholesky(matrix), right[:, None])[
            :, 0
        ],
        lambda: right * float("nan"),
    )
