"""Keys of app_train: the networks, one for each element."""

from pathlib import Path
from typing import ClassVar, Literal

from annpot.config.grammar import (
    ACTIVATION_LIST,
    BEHAVIOR_LIST,
    BOOLEAN,
    FLAG_LIST,
    INTEGER,
    LAYER_NUMBERS,
    NUMBER,
    NUMBER_LIST,
    PATH,
    SIZE_LIST,
    WORD,
)
from annpot.config.schema.keys import Section, key, stage_key

NO_PRUNING = "Remove the key; networks are trained with all their weights."


class Network(Section):
    """Keys that [DEFAULT_NETWORK] and the element sections share."""

    nn_type: Literal["a2aff"] = key(
        WORD, "a2aff", help="kind of network: all-to-all connected, feed forward"
    )
    g_size: int | None = key(
        INTEGER,
        None,
        ge=1,
        le=10**7,
        help="length of the descriptor",
        default_text="from networks_metadata, else from the data",
    )
    architecture: tuple[int, ...] | None = key(
        SIZE_LIST,
        None,
        help="size of each layer, the last one 1",
        default_text="from networks_metadata, else an error",
    )
    trainable: tuple[bool, ...] | None = stage_key(
        FLAG_LIST,
        None,
        help="1 trains a layer, 0 freezes its weights and biases",
        default_text="1 for each layer",
    )
    activations: tuple[int, ...] | None = key(
        ACTIVATION_LIST,
        None,
        help="activation of each layer",
        default_text="from networks_metadata, else gaussian and a linear last layer",
    )
    initial_gain: tuple[float, ...] | None = key(
        LAYER_NUMBERS,
        None,
        ours=True,
        help="new weights of each layer are drawn with standard deviation gain / "
        "sqrt(n_in)",
        default_text="standard deviation sqrt(2 / (n_in + n_out))",
    )
    initial_bias: tuple[float, ...] | None = key(
        LAYER_NUMBERS,
        None,
        ours=True,
        help="standard deviation with which new biases of each layer are drawn",
        default_text="new biases are 0",
    )
    output_offset: float | None = stage_key(
        NUMBER,
        None,
        unit="eV",
        help="energy added per atom",
        default_text="[DATA_INFORMATION] output_offset",
    )


class DefaultNetwork(Network):
    """The network of each element that says nothing else."""

    name: ClassVar[str] = "DEFAULT_NETWORK"
    about: ClassVar[str] = (
        "The network of each element whose section says nothing else."
    )

    networks_metadata: Path | None = key(
        PATH,
        None,
        help="folder of extracted networks to start from (networks_metadata.json)",
    )
    standardize: bool = stage_key(
        BOOLEAN,
        False,
        ours=True,
        help="train for descriptors with mean 0 and standard deviation 1 in each "
        "column of an element; stored networks are those of plain descriptors; see "
        "Standardised descriptors",
    )
    standardize_power: float = stage_key(
        NUMBER,
        1.0,
        ge=0,
        le=1,
        ours=True,
        help="p < 1 leaves columns that vary more larger, see Standardised descriptors",
    )
    normalization_technique: str | None = key(
        WORD,
        None,
        help="normalisation of the descriptors",
        instead="Remove the key; standardize = True scales descriptors in training.",
    )


class ElementNetwork(Network):
    """The network of one element, where it differs from [DEFAULT_NETWORK]."""

    name: ClassVar[str] = "X"
    about: ClassVar[str] = (
        "X is an element of atomic_sequence. What is not given here comes from "
        "[DEFAULT_NETWORK]."
    )

    nn_type: Literal["a2aff"] | None = key(
        WORD, None, help="kind of network", default_text="[DEFAULT_NETWORK]"
    )
    behavior: tuple[Literal["load", "new", "keep"], ...] | None = key(
        BEHAVIOR_LIST,
        None,
        help="where each layer's first weights come from, see Behaviors",
        default_text="load with networks_metadata, else new",
    )
    layer_w_files: dict[int, Path] = key(
        PATH,
        {},
        spelling="layerN_w_file",
        help="weights (in, out) that layer N, counted from 0, loads: a .npy file",
        default_text="from networks_metadata",
    )
    layer_b_files: dict[int, Path] = key(
        PATH,
        {},
        spelling="layerN_b_file",
        help="biases (out,) that layer N, counted from 0, loads: a .npy file",
        default_text="from networks_metadata",
    )
    prunable: tuple[bool, ...] | None = key(
        FLAG_LIST,
        None,
        help="layers that may be pruned",
        instead=NO_PRUNING,
    )
    sparsity: tuple[float, ...] | None = key(
        NUMBER_LIST, None, help="pruned part of each layer", instead=NO_PRUNING
    )
    starting_masks: Path | None = key(
        PATH, None, help="SavedModel with masks", instead=NO_PRUNING
    )
    pruning_weights: Path | None = key(
        PATH, None, help="SavedModel with weights", instead=NO_PRUNING
    )
