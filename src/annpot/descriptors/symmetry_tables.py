"""Symmetry functions of pairs and triplets as TensorFlow tables, with their slopes.

Formulas and conventions are those of `DescriptorSettings`; the compiled forms are in
`symmetry_functions` and `symmetry_derivatives`. Whatever multiplies a whole block of
components (2 w, radial_prefactor) is left out here.
"""

from typing import Any, NamedTuple

import numpy as np

from annpot.descriptors.definition import COLLINEAR
from annpot.tensorflow_import import import_tensorflow

# Unit vectors in float32 are wrong by 1e-7: where the sine is smaller than this, the
# direction in which the angle opens is noise.
COLLINEAR_FLOAT32 = 1e-12


class PairTable(NamedTuple):
    """Pairs of atoms; all of one floating-point type.

    Attributes:
        r: (n_pairs,) distances, angstrom.
        u: (n_pairs, 3) unit vectors.
        radial: (n_pairs, n_radial) exp(-eta (r - R)^2) f_c(r).
        radial_slope: (n_pairs, n_radial) their derivatives by r.
    """

    r: Any
    u: Any
    radial: Any
    radial_slope: Any


class TripletTable(NamedTuple):
    """Triplets i, a, b. A component is radial (n_eta) times angular (n_theta).

    With c = cos(theta_aib), it changes with the position of a as
        (d/dr_a) u_a + (d/dc) v_a,  v_a = (u_b - c u_a) / r_a,
    and with that of b likewise.

    Attributes:
        u_a, u_b, v_a, v_b: (n_triplets, 3).
        radial: (n_triplets, n_eta) h f_c f_c, of BP with f_c(r_jk).
        by_a, by_b, by_c: (n_triplets, n_eta) its slopes by r_a, r_b and c; the last
            is None where it is 0 (mBP).
        angular: (n_triplets, n_theta) x^zeta.
        angular_slope: (n_triplets, n_theta) by c.
    """

    u_a: Any
    u_b: Any
    v_a: Any
    v_b: Any
    radial: Any
    by_a: Any
    by_b: Any
    by_c: Any
    angular: Any
    angular_slope: Any


def pair_table(vectors, is_used, settings):
    """PairTable of vectors (n_pairs, 3), angstrom; 0 where not is_used (n_pairs,)."""
    tf = import_tensorflow()
    r = tf.sqrt(tf.reduce_sum(vectors * vectors, axis=1))
    f, slope = _cutoff(r, settings.r_cut_radial)
    f, slope = tf.where(is_used, f, 0.0), tf.where(is_used, slope, 0.0)
    eta = np.array(settings.radial_etas, r.dtype.as_numpy_dtype)
    x = r[:, None] - np.array(settings.radial_centres, eta.dtype)  # (n_pairs, n_radial)
    gauss = tf.exp(-eta * x * x)
    f, slope = f[:, None], slope[:, None]
    return PairTable(
        r=r,
        u=vectors / r[:, None],
        radial=gauss * f,
        radial_slope=gauss * (slope - 2 * eta * x * f),
    )


def triplet_table(pairs, near, a, b, settings):
    """TripletTable of triplets whose places in near (n_near,) are a and b.

    A place n_near stands for no neighbour; its radial parts are 0.
    """
    tf = import_tensorflow()
    u, r = tf.gather(pairs.u, near), tf.gather(pairs.r, near)
    f, slope = _cutoff(r, settings.r_cut_angular)
    rows = tf.concat([u, tf.stack([r, f, slope], axis=1)], axis=1)  # (n_near, 6)
    none = tf.constant([[1.0, 0.0, 0.0, 1.0, 0.0, 0.0]], r.dtype)
    rows = tf.concat([rows, none], axis=0)
    of_a, of_b = tf.gather(rows, a), tf.gather(rows, b)
    u_a, u_b, r_a, r_b = of_a[:, :3], of_b[:, :3], of_a[:, 3], of_b[:, 3]
    c = tf.clip_by_value(tf.reduce_sum(u_a * u_b, axis=1), -1.0, 1.0)
    if settings.kind == "BP":
        radial, by_a, by_b, by_c = _radial_with_r_jk(of_a, of_b, c, settings)
    else:
        (radial, by_a, by_b), by_c = _radial(of_a, of_b, settings), None
    sine_squared = _squared_cross_product(of_a, of_b)
    angular, angular_slope = _angular(c, sine_squared, settings)
    return TripletTable(
        u_a=u_a,
        u_b=u_b,
        v_a=(u_b - c[:, None] * u_a) / r_a[:, None],
        v_b=(u_a - c[:, None] * u_b) / r_b[:, None],
        radial=radial,
        by_a=by_a,
        by_b=by_b,
        by_c=by_c,
        angular=angular,
        angular_slope=angular_slope,
    )


def _cutoff(r, r_cut):
    """f_c(r) and its slope; both 0 from r_cut on."""
    tf = import_tensorflow()
    x = r * (np.pi / r_cut)
    f, slope = 0.5 + 0.5 * tf.cos(x), (-0.5 * np.pi / r_cut) * tf.sin(x)
    inside = r < r_cut
    return tf.where(inside, f, 0.0), tf.where(inside, slope, 0.0)


def _squared_cross_product(a, b):
    """sin(theta)^2 of unit vectors; 1 - cos^2 would lose half the digits."""
    tf = import_tensorflow()
    turns = [a[:, x] * b[:, y] - a[:, y] * b[:, x] for x, y in ((1, 2), (2, 0), (0, 1))]
    return tf.add_n([turn * turn for turn in turns])


def _radial(a, b, settings):
    """exp(-eta ((r_a + r_b) / 2 - R)^2) f_a f_b and its slopes by r_a and r_b.

    a, b: (n_triplets, 6) with distance, f_c and f_c' in the last three columns.
    """
    tf = import_tensorflow()
    eta = np.array(settings.angular_etas, a.dtype.as_numpy_dtype)
    y = (0.5 * (a[:, 3] + b[:, 3]))[:, None]
    y = y - np.array(settings.angular_centres, eta.dtype)  # (n_triplets, n_eta)
    gauss = tf.exp(-eta * y * y)
    f_a, f_b, slope_a, slope_b = (
        x[:, None] for x in (a[:, 4], b[:, 4], a[:, 5], b[:, 5])
    )
    f = f_a * f_b
    by_y = eta * y * f
    return gauss * f, gauss * (slope_a * f_b - by_y), gauss * (f_a * slope_b - by_y)


def _radial_with_r_jk(a, b, c, settings):
    """exp(-eta s) f_a f_b f_c(r_jk), s = r_a^2 + r_b^2 + r_jk^2, and three slopes.

    r_jk^2 = r_a^2 + r_b^2 - 2 r_a r_b c. The slopes are those by r_a, r_b and c.
    """
    tf = import_tensorflow()
    r_a, f_a, slope_a = (a[:, k] for k in (3, 4, 5))
    r_b, f_b, slope_b = (b[:, k] for k in (3, 4, 5))
    square = tf.maximum(r_a * r_a + r_b * r_b - 2 * r_a * r_b * c, 0.0)
    apart = square > 0
    r_jk = tf.sqrt(tf.where(apart, square, 1.0))
    f, by_r = _cutoff(r_jk, settings.r_cut_angular)
    f, by_r = tf.where(apart, f, 1.0), tf.where(apart, by_r / r_jk, 0.0) * f_a * f_b
    slopes_of_f = (
        slope_a * f_b * f + by_r * (r_a - r_b * c),
        f_a * slope_b * f + by_r * (r_b - r_a * c),
        -by_r * r_a * r_b,
    )
    slopes_of_s = (4 * r_a - 2 * r_b * c, 4 * r_b - 2 * r_a * c, -2 * r_a * r_b)
    eta = np.array(settings.angular_etas, a.dtype.as_numpy_dtype)
    f = f_a * f_b * f
    gauss = tf.exp(-eta * (r_a * r_a + r_b * r_b + square)[:, None])
    slopes = [
        gauss * (of_f[:, None] - eta * (f * of_s)[:, None])
        for of_f, of_s in zip(slopes_of_f, slopes_of_s, strict=True)
    ]
    return gauss * f[:, None], *slopes


def _angular(cosine, sine_squared, settings):
    """x^zeta (n_triplets, n_theta) and its slope by the cosine.

    S = sqrt(1 - c^2 + e) has a kink where it vanishes; its slope counts as 0 there.
    """
    tf = import_tensorflow()
    dtype, scale = cosine.dtype.as_numpy_dtype, settings.cosine_scale
    thetas = np.array(settings.thetas)
    smoothing = settings.epsilon * np.sin(thetas) ** 2
    norm = (1 / (1 + np.sqrt(1 + smoothing))).astype(dtype)
    smoothing = (smoothing + 1 - scale**2).astype(dtype)
    cos_s, sin_s = np.cos(thetas).astype(dtype), np.sin(thetas).astype(dtype)
    c, square = scale * cosine[:, None], scale**2 * sine_squared[:, None] + smoothing
    collinear = COLLINEAR if dtype == np.float64 else COLLINEAR_FLOAT32
    root = tf.sqrt(square)
    if smoothing.min() > collinear:
        root_slope = -c / root
    else:
        has_slope = square > collinear
        root_slope = tf.where(has_slope, -c / tf.where(has_slope, root, 1.0), 0.0)
    x = tf.maximum((1 + c * cos_s + sin_s * root) * norm, 0.0)
    power = _power(x, np.array(settings.zetas) - 1)
    factor = (scale * np.array(settings.zetas)).astype(dtype) * norm
    return power * x, factor * power * (cos_s + sin_s * root_slope)


def _power(x, exponents):
    """x^exponents (n, n_theta), x >= 0; 0 where x = 0 unless the exponent is 0.

    Repeated squaring of x where all exponents are integers.
    """
    tf = import_tensorflow()
    if (exponents == np.round(exponents)).all():
        result = tf.ones_like(x)
        for bit in range(int(exponents.max()).bit_length()):
            digits = (exponents.astype(np.int64) >> bit & 1).astype(bool)
            if digits.all():
                result = result * x
            elif digits.any():
                result = tf.where(digits, result * x, result)
            x = x * x
        return result
    positive = x > 0
    exponents = exponents.astype(x.dtype.as_numpy_dtype)
    power = tf.exp(exponents * tf.math.log(tf.where(positive, x, 1.0)))
    return tf.where(
        positive, power, np.where(exponents == 0, 1.0, 0.0).astype(exponents.dtype)
    )
