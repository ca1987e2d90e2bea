"""Keys of a section [STAGE:name] of app_train, and what stages are."""

import re
from typing import ClassVar, Literal

from annpot.config.grammar import BOOLEAN, WORD
from annpot.config.schema.keys import Section, declared, key

HEADER = "STAGE:"
GOOD_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
TAKEN_NAMES = ("plan.ini", "convergence.png")  # files beside the stages' folders

SAME_NETWORKS = "all stages train the same networks"
SAME_DESCRIPTORS = "all stages see the same descriptors"
SAME_PARTS = "all stages divide the data in the same way"
WHY_NOT = {  # attribute -> why no stage may change it
    "atomic_sequence": SAME_NETWORKS,
    "nn_type": SAME_NETWORKS,
    "architecture": SAME_NETWORKS,
    "activations": SAME_NETWORKS,
    "precision": SAME_NETWORKS,
    "networks_metadata": "it is where the base network comes from",
    "behavior": "it is where the base network comes from",
    "layer_w_files": "it is where the base network comes from",
    "layer_b_files": "it is where the base network comes from",
    "g_size": SAME_DESCRIPTORS,
    "gvect_ini": SAME_DESCRIPTORS,
    "mbp_generation": SAME_DESCRIPTORS,
    "validation_split": SAME_PARTS,
    "test_split": SAME_PARTS,
    "split_seed": SAME_PARTS,
    "seed": "the seed of a stage follows from it and from the stage's name",
    "train_dir": "each stage has its own folder, train_dir/stages/NAME",
    "stages": "it says in which order the stages are run",
    "max_time": "it is about one run of the command, whatever its stages",
    "max_epochs_per_run": "it is about one run of the command, whatever its stages",
}
BELONGS_TO_ALL = "it belongs to the whole plan"


class StageKeys(Section):
    """How a stage starts; its other keys override those of the file."""

    name: ClassVar[str] = "STAGE:name"
    about: ClassVar[str] = (
        "A stage of the training, see Stages. Its other keys override those of the "
        "file: any key with *stage* = yes above, written as `learning_rate = 1e-4`, or "
        "with its section as `VALIDATION_OPTIONS.data_dir = other` or "
        "`H.trainable = 0:0:1`."
    )

    parent: str | None = key(
        WORD,
        None,
        ours=True,
        help="stage whose network this one starts from",
        default_text="the one before in `stages`, else none: it starts from the base "
        "network",
    )
    parent_network: Literal["final", "best"] = key(
        WORD,
        "final",
        ours=True,
        help="which network of the parent: the last one, or the best by best_metric",
    )
    parent_weights: Literal["averaged", "trained"] = key(
        WORD,
        "averaged",
        ours=True,
        help="which weights of a parent that averages them (`average`)",
    )
    keep_optimizer: bool = key(
        BOOLEAN,
        False,
        ours=True,
        help="carry over the optimizer's slots of variables that the parent trained "
        "too; False: they start at 0",
    )


def is_stage_header(section):
    """Whether a section is written [STAGE:...]."""
    return section.startswith(HEADER)


def may_change(setting):
    """Whether a stage may override a key."""
    return declared(setting.field)["per_stage"]


def why_not(setting):
    """Why no stage may change a key."""
    return WHY_NOT.get(setting.attribute, BELONGS_TO_ALL)
