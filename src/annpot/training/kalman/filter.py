"""The extended Kalman filter over the weights: state and update.

With m observations, the rows of H (m, n) their derivatives by the n weights, xi (m,)
reference minus network, P (n, n) the covariance of the weights and R = r I the
measurement noise, an update is

    A = (R + H P H^T)^-1,   K = P H^T A,   w <- w + K xi,
    P <- (P - K H P) / lambda + q I.

    fading memory   r = lambda; lambda <- nu lambda + 1 - nu
    standard        r = 1/eta,  lambda = 1; eta <- min(eta exp(growth), eta_max) before
    process noise   q <- max(q exp(-decay), q_min) after

Here L L^T = A^-1 (Cholesky) and Y = L^-1 H P (m, n): K H P = Y^T Y, K xi = Y^T L^-1 xi.
A decoupled filter keeps the diagonal blocks P_g of P alone: H P H^T = sum_g H_g P_g
H_g^T is common to all groups. What is stored is C and s of P_ij = s_i s_j C_ij:
forgetting then multiplies n numbers instead of n^2.

Forgetting lets the variance of what is not observed grow like exp(sum (1 - lambda)),
up to exp((1 - lambda(0)) / (1 - nu)). With `max_variance` the division by lambda
becomes P_ij <- f_i f_j P_ij, f_i = min(lambda^-1/2, (max_variance / P_ii)^1/2): P stays
positive, and no weight forgets more than it ever knew. This is not in n2p2.

Sources: T. B. Blank, S. D. Brown, J. Chemom. 8, 391 (1994), the fading memory;
G. V. Puskorius, L. A. Feldkamp, IEEE Trans. Neural Netw. 5, 279 (1994), several streams
and decoupling; A. Singraber, T. Morawietz, J. Behler, C. Dellago, J. Chem. Theory
Comput. 15, 3075 (2019), schedules of noise and learning rate for potentials. n2p2
multiplies q while it is above q_min and may end a little below; here it ends at q_min.
"""

import numpy as np

from annpot.networks.element_network import tf
from annpot.training.kalman.blocks import groups_of
from annpot.training.kalman.choice import KALMAN
from annpot.training.kalman.memory import parameter_sizes

# Scales are put into the matrix when they leave 1/LARGEST_SCALE to LARGEST_SCALE.
LARGEST_SCALE = 1e3
SCALARS = {"lambda": "forgetting", "q": "q0", "eta": "eta0"}


class KalmanFilter:
    """Extended Kalman filter over variables.

    Attributes:
        family: name of those optimizers whose state can go on in this one.
        iterations: number of updates done, a variable.
        first_steps: for each variable the update at which its covariance was P(0).
        slots: for each variable {}: what there is belongs to several of them.
        groups: Groups of the weights.

    Args:
        settings: KalmanSettings.
        trained: {ParameterKey: variable}, elements and layers in order.
    """

    family = KALMAN

    def __init__(self, settings, trained):
        self.settings, self.trained = settings, trained
        self.groups = groups_of(parameter_sizes(trained), settings.covariance)
        self.iterations = tf.Variable(0, dtype=tf.int64, name="iterations")
        self.first_steps = [0] * len(trained)
        self.slots = [{} for _ in trained]
        self._scalars = {
            name: tf.Variable(getattr(settings, field), dtype=tf.float64, name=name)
            for name, field in SCALARS.items()
        }
        self._strips = [self._first_covariance(group) for group in self.groups]
        self._scales = [
            tf.Variable(tf.ones(group.size, settings.precision))
            for group in self.groups
        ]

    def _first_covariance(self, group):
        """(square, right part) of each strip of I / epsilon."""
        dtype = self.settings.precision
        return [
            (
                tf.Variable(np.eye(strip.n_rows, dtype=dtype) / self.settings.epsilon),
                tf.Variable(tf.zeros(strip.shapes[1], dtype)),
            )
            for strip in group.strips
        ]

    def state(self):
        """{name: variable} of what the next update depends on beside weights and step.

        Names: "lambda", "q", "eta", and of each strip of the covariance
        "covariance/GROUP/ROW/square" and ".../right", ROW its first row; its scales
        are "scale/GROUP".
        """
        found = dict(self._scalars)
        for group, strips, scale in self._by_group():
            found[f"scale/{group.name}"] = scale
            for strip, pair in zip(group.strips, strips, strict=True):
                for name, variable in zip(("square", "right"), pair, strict=True):
                    if variable.shape[1]:
                        path = f"covariance/{group.name}/{strip.first}/{name}"
                        found[path] = variable
        return found

    def set_state(self, stored):
        """Go on from {name: array} that `state` gave; whether they fit.

        Nothing is set where one is missing or has another shape.
        """
        own = self.state()
        if any(n not in stored or stored[n].shape != v.shape for n, v in own.items()):
            return False
        for name, variable in own.items():
            variable.assign(np.asarray(stored[name], variable.dtype.as_numpy_dtype))
        return True

    def begin_at(self, step):
        """Count updates of all variables from a step on."""
        self.first_steps = [step] * len(self.trained)

    def _by_group(self):
        return zip(self.groups, self._strips, self._scales, strict=True)

    def covariance(self, group):
        """(n, n) NumPy matrix of a Group, both halves filled in."""
        matrix = np.zeros((group.size, group.size), self.settings.precision)
        number = self.groups.index(group)
        pairs, scale = self._strips[number], self._scales[number].numpy()
        for strip, (square, right) in zip(group.strips, pairs, strict=True):
            rows = slice(strip.first, strip.stop)
            matrix[rows, rows] = square.numpy()
            matrix[rows, strip.stop :] = right.numpy()
            matrix[strip.stop :, rows] = right.numpy().T
        return matrix * np.outer(scale, scale)

    def update(self, jacobian, errors):
        """One update of weights, covariance and noise.

        Args:
            jacobian: H (m, n_weights) as rows.
            errors: xi (m,).
        """
        h = tf.cast(jacobian, self.settings.precision)
        scale = tf.concat([tf.convert_to_tensor(part) for part in self._scales], 0)
        scaled = h * scale
        hp = tf.concat(
            [
                times_covariance(scaled[:, group.first : group.stop], strips, group)
                for group, strips, _ in self._by_group()
            ],
            1,
        )
        noise, forgetting = self._noise(h.dtype)
        a = tf.matmul(hp, scaled, transpose_b=True)
        a = tf.linalg.set_diag(a, tf.linalg.diag_part(a) + noise)
        xi = tf.cast(errors, h.dtype)[:, None]
        solved = tf.linalg.triangular_solve(
            tf.linalg.cholesky(a), tf.concat([hp, xi], 1)
        )
        y, z = solved[:, :-1], solved[:, -1:]
        self._move_weights(scale * tf.matmul(y, z, transpose_a=True)[:, 0])
        for group, strips, own in self._by_group():
            _subtract(y[:, group.first : group.stop], strips, group)
            self._forget(strips, group, own, forgetting)
        self._advance()

    def _noise(self, dtype):
        """(measurement noise r, forgetting factor) of this update."""
        if self.settings.kind == "fading_memory":
            forgetting = tf.cast(self._scalars["lambda"], dtype)
            return forgetting, forgetting
        eta = self._scalars["eta"]
        grown = eta * tf.exp(tf.constant(self.settings.eta_growth, tf.float64))
        eta.assign(tf.minimum(grown, self.settings.eta_max))
        return tf.cast(1.0 / eta, dtype), tf.ones([], dtype)

    def _forget(self, strips, group, scale, forgetting):
        """Divide P of a group by the forgetting factor and add process noise."""
        dtype = scale.dtype
        variances = tf.concat([tf.linalg.diag_part(square) for square, _ in strips], 0)
        factors = 1.0 / tf.sqrt(forgetting)
        if self.settings.is_bounded:
            # Rounding may leave nothing of a variance that observations have used up.
            now = tf.maximum(scale * scale * variances, tf.constant(1e-30, dtype))
            factors = tf.minimum(factors, tf.sqrt(self.settings.max_variance / now))
        scale.assign(scale * factors)
        if self.settings.q0 or self.settings.q_min:
            noise = tf.cast(self._scalars["q"], dtype) / (scale * scale)
            for strip, (square, _) in zip(group.strips, strips, strict=True):
                variance = variances[strip.first : strip.stop]
                variance += noise[strip.first : strip.stop]
                square.assign(tf.linalg.set_diag(square, variance))
        outside = tf.maximum(tf.reduce_max(scale), 1.0 / tf.reduce_min(scale))
        tf.cond(
            outside > LARGEST_SCALE,
            lambda: _put_scale_into(strips, group, scale),
            lambda: None,
        )

    def _move_weights(self, changes):
        """w <- w + K xi."""
        first = 0
        for variable in self.trained.values():
            n = int(np.prod(variable.shape))
            change = tf.reshape(changes[first : first + n], variable.shape)
            variable.assign_add(tf.cast(change, variable.dtype))
            first += n

    def _advance(self):
        """Noise of the next update."""
        forgetting, q = self._scalars["lambda"], self._scalars["q"]
        if self.settings.kind == "fading_memory":
            nu = self.settings.nu
            forgetting.assign(nu * forgetting + (1.0 - nu))
        decayed = q * tf.exp(tf.constant(-self.settings.q_decay, tf.float64))
        # A noise that starts below its end stays as it is.
        low = min(self.settings.q_min, self.settings.q0)
        q.assign(tf.maximum(decayed, low))
        self.iterations.assign_add(1)


def times_covariance(h, strips, group):
    """H P (m, n) of one group.

    A strip with rows a to b stands for the rows of P right of its diagonal, and, by
    symmetry, for the columns below.

    Args:
        h: (m, n).
        strips: (square, right part) of each Strip.
        group: Group.
    """
    columns = [[] for _ in group.strips]  # what adds up to the columns of each strip
    for number, (strip, (square, right)) in enumerate(
        zip(group.strips, strips, strict=True)
    ):
        own, beyond = h[:, strip.first : strip.stop], h[:, strip.stop :]
        columns[number].append(tf.matmul(own, square))
        if strip.stop == group.size:
            continue
        columns[number].append(tf.matmul(beyond, right, transpose_b=True))
        widths = [s.n_rows for s in group.strips[number + 1 :]]
        for later, part in enumerate(tf.split(tf.matmul(own, right), widths, 1)):
            columns[number + 1 + later].append(part)
    return tf.concat([tf.add_n(parts) for parts in columns], 1)


def _subtract(y, strips, group):
    """C <- C - Y^T Y of one group."""
    for strip, (square, right) in zip(group.strips, strips, strict=True):
        own, beyond = y[:, strip.first : strip.stop], y[:, strip.stop :]
        turned = tf.transpose(own)  # a small matrix; faster than transpose_a
        change = tf.matmul(turned, own)
        # A product of matrices may sum the two halves in different orders.
        square.assign_sub(0.5 * (change + tf.transpose(change)))
        if strip.stop < group.size:
            right.assign_sub(tf.matmul(turned, beyond))


def _put_scale_into(strips, group, scale):
    """C_ij <- s_i s_j C_ij, s <- 1 of one group."""
    for strip, (square, right) in zip(group.strips, strips, strict=True):
        rows, columns = scale[strip.first : strip.stop], scale[strip.stop :]
        square.assign(square * (rows[:, None] * rows))
        right.assign(right * (rows[:, None] * columns))
    scale.assign(tf.ones_like(scale))
