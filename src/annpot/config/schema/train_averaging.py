"""Keys of app_train: averages of the weights, and a run that ends early."""

from typing import Literal

from annpot.config.grammar import BOOLEAN, INTEGER, METRIC, NUMBER, WORD
from annpot.config.schema.keys import Section, stage_key


class Averaging(Section):
    """Averaged weights, early stopping."""

    average: Literal["none", "ema", "swa"] = stage_key(
        WORD,
        "none",
        ours=True,
        help="average of the weights that is validated and stored beside them: over "
        "the steps (ema) or over the ends of epochs (swa), see Averages",
    )
    ema_decay: float = stage_key(
        NUMBER,
        0.999,
        gt=0,
        lt=1,
        ours=True,
        help="ema: part of the average that stays in each step",
    )
    swa_start: int | None = stage_key(
        INTEGER,
        None,
        ge=1,
        le=10**9,
        unit="epochs",
        ours=True,
        help="swa: first epoch, counted from 1, whose end is averaged",
        default_text="needed with average = swa",
    )
    swa_rate: float | None = stage_key(
        NUMBER,
        None,
        gt=0,
        ours=True,
        help="swa: constant learning rate from swa_start on",
        default_text="that of the schedule",
    )
    early_stopping_patience: int | None = stage_key(
        INTEGER,
        None,
        ge=1,
        le=10**9,
        unit="epochs",
        ours=True,
        help="epochs without improvement after which training ends",
        default_text="training does not end early",
    )
    early_stopping_metric: str | None = stage_key(
        METRIC,
        None,
        ours=True,
        help="column of metrics.dat that has to improve",
        default_text="val_loss with validation data, else loss",
    )
    early_stopping_min_delta: float = stage_key(
        NUMBER,
        0.0,
        ge=0,
        ours=True,
        help="by how much it has to be better than the best before",
    )
    restore_best: bool = stage_key(
        BOOLEAN,
        False,
        ours=True,
        help="a run that ends early ends with the weights of its best epoch",
    )
