"""Keys of app_train: the extended Kalman filter."""

from typing import Literal

from annpot.config.grammar import BOOLEAN, NUMBER, WORD
from annpot.config.schema.keys import Section, stage_key


class KalmanKeys(Section):
    """Keys of `optimizer = kalman`; names of n2p2 in the help."""

    kalman_covariance: Literal["full", "element", "layer"] = stage_key(
        WORD,
        "element",
        ours=True,
        help="which correlations of weights are kept: all of them, those within the "
        "network of an element, or those within a layer of it",
    )
    kalman_kind: Literal["fading_memory", "standard"] = stage_key(
        WORD,
        "fading_memory",
        ours=True,
        help="forgets by kalman_lambda, or learns by kalman_eta (n2p2: kalman_type 1 "
        "or 0)",
    )
    kalman_initial_covariance: float = stage_key(
        NUMBER,
        100.0,
        gt=0,
        ours=True,
        help="first variance of each weight (n2p2: 1 / kalman_epsilon)",
    )
    kalman_lambda: float = stage_key(
        NUMBER,
        0.98,
        gt=0,
        le=1,
        ours=True,
        help="fading_memory: first forgetting factor (n2p2: kalman_lambda_short)",
    )
    kalman_nu: float = stage_key(
        NUMBER,
        0.9987,
        gt=0,
        le=1,
        ours=True,
        help="fading_memory: in each step the forgetting factor comes nearer to 1 by "
        "this factor (n2p2: kalman_nue_short)",
    )
    kalman_max_variance: float = stage_key(
        NUMBER,
        1000.0,
        ge=0,
        ours=True,
        help="fading_memory: largest variance that forgetting makes; 0: no limit, as "
        "in n2p2",
    )
    kalman_noise: float = stage_key(
        NUMBER,
        0.0,
        ge=0,
        ours=True,
        help="process noise, added to each variance in the first step (n2p2: "
        "kalman_q0)",
    )
    kalman_noise_decay: float = stage_key(
        NUMBER,
        0.0,
        ge=0,
        unit="1/step",
        ours=True,
        help="the noise falls by exp(-kalman_noise_decay) in each step (n2p2: "
        "kalman_qtau, per epoch)",
    )
    kalman_noise_end: float = stage_key(
        NUMBER,
        0.0,
        ge=0,
        ours=True,
        help="smallest process noise (n2p2: kalman_qmin)",
    )
    kalman_eta: float = stage_key(
        NUMBER,
        0.01,
        gt=0,
        ours=True,
        help="standard: 1 / measurement noise at the start (n2p2: kalman_eta)",
    )
    kalman_eta_growth: float = stage_key(
        NUMBER,
        0.0,
        ge=0,
        unit="1/step",
        ours=True,
        help="standard: kalman_eta grows by exp(kalman_eta_growth) in each step (n2p2: "
        "kalman_etatau, per epoch)",
    )
    kalman_eta_max: float = stage_key(
        NUMBER,
        1.0,
        gt=0,
        ours=True,
        help="standard: largest kalman_eta (n2p2: kalman_etamax)",
    )
    kalman_energy_per_atom: bool = stage_key(
        BOOLEAN, True, ours=True, help="observe energies per atom; False: in total"
    )
    kalman_energy_unit: float | None = stage_key(
        NUMBER,
        None,
        gt=0,
        unit="eV",
        ours=True,
        help="error of an energy, per atom or in total, that counts as 1",
        default_text="the standard deviation of the energies trained on",
    )
    kalman_force_unit: float | None = stage_key(
        NUMBER,
        None,
        gt=0,
        unit="eV/angstrom",
        ours=True,
        help="error of a force component that counts as 1",
        default_text="the standard deviation of the components trained on",
    )
    kalman_force_fraction: float = stage_key(
        NUMBER,
        0.1,
        gt=0,
        le=1,
        ours=True,
        help="part of the force components of a mean batch that a step observes, "
        "drawn anew each time (n2p2: short_force_fraction)",
    )
    kalman_precision: Literal["float64", "float32"] = stage_key(
        WORD,
        "float64",
        ours=True,
        help="of the covariance; float32 takes half the memory and less than half the "
        "time, and does not bear a large kalman_max_variance",
    )
