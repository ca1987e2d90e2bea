"""Keys of app_train, all sections together."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from annpot.config.descriptor_config import DescriptorConfig
from annpot.config.element_settings import element_settings
from annpot.config.grammar import (
    BOOLEAN,
    ELEMENT_LIST,
    INTEGER,
    NUMBER,
    NUMBER_LIST,
    OFFSET_LIST,
)
from annpot.config.schema.keys import REQUIRED, Section, key, stage_key
from annpot.config.schema.stage import StageKeys
from annpot.config.schema.train_io import TrainIo
from annpot.config.schema.train_networks import DefaultNetwork, ElementNetwork
from annpot.config.schema.train_parameters import Training
from annpot.config.schema.train_validation import TrainValidation
from annpot.config.source import IniSource

NO_CHARGES = "Remove the key; networks are trained without charges."


class TrainData(Section):
    """What the data are."""

    name: ClassVar[str] = "DATA_INFORMATION"
    about: ClassVar[str] = "Elements of the data and their energy offsets."

    atomic_sequence: tuple[str, ...] = key(
        ELEMENT_LIST, REQUIRED, help="elements in the order of the descriptor's species"
    )
    output_offset: tuple[float | Literal["auto"], ...] | None = stage_key(
        OFFSET_LIST,
        None,
        unit="eV",
        help="energy added per atom of each element, in the order of atomic_sequence; "
        "auto, for all or in place of a number, is a least-squares fit to the energies "
        "of the training data",
        default_text="from networks_metadata, else 0",
    )
    energy_rescale: float = stage_key(
        NUMBER,
        1.0,
        gt=0,
        help="factor on the energies of the data",
    )
    validation_split: float = key(
        NUMBER,
        0.0,
        ge=0,
        lt=1,
        ours=True,
        help="part of the structures of data_dir to validate on, instead of "
        "[VALIDATION_OPTIONS] data_dir, see Splits",
    )
    test_split: float = key(
        NUMBER,
        0.0,
        ge=0,
        lt=1,
        ours=True,
        help="part of the structures of data_dir that is neither trained nor "
        "validated on, for app_evaluate with split = test",
    )
    split_seed: int = key(
        INTEGER,
        0,
        ge=0,
        le=10**18,
        ours=True,
        help="seed of validation_split and test_split; the seed of the training does "
        "not touch them",
    )
    mbp_generation: int | None = key(
        INTEGER,
        None,
        ge=0,
        le=3,
        ours=True,
        help="generation of mBP of data without dataset.json",
        default_text="as dataset.json says, else 3 is assumed",
    )
    sparse_derivatives: bool | None = key(
        BOOLEAN,
        None,
        help="whether derivatives in the records are sparse; where the key is given, "
        "it is checked against them",
        default_text="as the records say",
    )
    examples_name: bool = key(
        BOOLEAN,
        True,
        help="records hold the names of their structures",
        without_effect="names are read where the records have them",
    )
    max_atoms: int = key(
        INTEGER,
        -1,
        help="atoms to which structures are padded",
        without_effect="shapes are found from the data",
    )


class TrainLongRange(Section):
    """Long-range electrostatics."""

    name: ClassVar[str] = "LONG_RANGE"
    about: ClassVar[str] = "Long-range electrostatics."

    long_range_el: bool = key(
        BOOLEAN,
        False,
        help="long-range electrostatics",
        instead="Set long_range_el = False.",
    )
    min_eigenvalue: float | None = key(
        NUMBER, None, help="smallest eigenvalue of the charges", instead=NO_CHARGES
    )
    constrain_even_terms: bool = key(
        BOOLEAN, False, help="constraint on the charge energy", instead=NO_CHARGES
    )
    gaussian_width: tuple[float, ...] | None = key(
        NUMBER_LIST, None, help="width of each element's charge", instead=NO_CHARGES
    )
    atomic_hardness: tuple[float, ...] | None = key(
        NUMBER_LIST, None, help="hardness of each element", instead=NO_CHARGES
    )
    electronegativity: tuple[float, ...] | None = key(
        NUMBER_LIST,
        None,
        help="electronegativity of each element",
        instead=NO_CHARGES,
    )


@dataclass(frozen=True)
class TrainConfig:
    """What app_train is asked to do.

    Attributes:
        elements: ElementNetwork of each element of atomic_sequence; one without any
            key where the file has no section for the element.
        source: where all this was read.
        stage: name of the stage that this is; None for a file without stages and for
            what all stages have in common.
        descriptor: DescriptorConfig of gvect_ini when training or validation data are
            structures, else None.
    """

    io: TrainIo
    training: Training
    data: TrainData
    default_network: DefaultNetwork
    validation: TrainValidation
    long_range: TrainLongRange
    elements: dict[str, ElementNetwork]
    source: IniSource = field(compare=False, repr=False)
    descriptor: DescriptorConfig | None = None
    stage: str | None = None
    command: ClassVar[str] = "app_train"
    element_type: ClassVar[type] = ElementNetwork
    stage_type: ClassVar[type] = StageKeys
    more_sections: ClassVar[tuple[str, ...]] = ("LOCAL", "STAGE:name")
    plain_sections: ClassVar[tuple[str, ...]] = (
        "TRAINING_PARAMETERS",
        "IO_INFORMATION",
        "DATA_INFORMATION",
        "DEFAULT_NETWORK",
        "VALIDATION_OPTIONS",
        "LONG_RANGE",
    )  # where [LOCAL] and stages look for a key that is written without its section

    def element_network(self, symbol):
        """ElementNetworkSettings of an element, merged from all sections."""
        return element_settings(self, symbol)
