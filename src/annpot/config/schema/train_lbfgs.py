"""Keys of app_train: L-BFGS."""

from annpot.config.grammar import INTEGER
from annpot.config.schema.keys import Section, stage_key


class LBFGSKeys(Section):
    """Memory and line search of L-BFGS."""

    lbfgs_memory: int = stage_key(
        INTEGER,
        10,
        ge=1,
        le=1000,
        ours=True,
        help="lbfgs: steps before, and changes of the gradient, that make the next one",
    )
    lbfgs_line_search: int = stage_key(
        INTEGER,
        20,
        ge=1,
        le=1000,
        ours=True,
        help="lbfgs: most evaluations of the loss in one line search",
    )
