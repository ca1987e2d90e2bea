"""Keys of app_train: matrix products in fewer digits."""

from typing import Literal

from annpot.config.grammar import NUMBER, WORD
from annpot.config.schema.keys import Section, stage_key


class MixedPrecision(Section):
    """Matrix products in bfloat16 or float16."""

    mixed_precision: Literal["none", "bfloat16", "float16"] = stage_key(
        WORD,
        "none",
        ours=True,
        help="type of the matrix products of hidden layers in training, see Mixed "
        "precision",
    )
    loss_scale: float | None = stage_key(
        NUMBER,
        None,
        gt=0,
        ours=True,
        help="float16: factor on the loss while it is differentiated",
        default_text="2^15, then as large as the slopes allow",
    )
