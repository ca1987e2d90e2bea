"""Keys of app_train: the Gauss-Newton method."""

from annpot.config.grammar import INTEGER, NUMBER
from annpot.config.schema.keys import Section, stage_key


class GaussNewtonKeys(Section):
    """Keys of `optimizer = gauss_newton`."""

    gauss_newton_damping: float = stage_key(
        NUMBER,
        1e-4,
        gt=0,
        ours=True,
        help="lambda, in units of the mean diagonal element of the kernel: the larger, "
        "the shorter the steps",
    )
    gauss_newton_momentum: float = stage_key(
        NUMBER,
        0.95,
        ge=0,
        lt=1,
        ours=True,
        help="mu: how much of the last step stays where the batch says nothing else",
    )
    gauss_newton_bias_scale: float = stage_key(
        NUMBER,
        3.0,
        gt=0,
        ours=True,
        help="squared step of a bias for that of a weight",
    )
    gauss_newton_projections: int = stage_key(
        INTEGER,
        5,
        ge=1,
        le=1000,
        ours=True,
        help="directions per structure and step along which forces are compared",
    )
