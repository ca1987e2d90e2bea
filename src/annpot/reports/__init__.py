"""Results of evaluations and of training as pictures."""

from annpot.reports.curves import (
    checkpoint_curve,
    learning_curve,
    read_metrics,
    stage_curves,
)
from annpot.reports.errors import error_histogram, force_parity_plot, parity_plot

__all__ = [
    "checkpoint_curve",
    "error_histogram",
    "force_parity_plot",
    "learning_curve",
    "parity_plot",
    "read_metrics",
    "stage_curves",
]
