"""A model folder as an evaluation takes networks."""

from dataclasses import dataclass
from pathlib import Path

from annpot.models.folder import read_model
from annpot.networks.checkpoint_networks import CheckpointNetworks
from annpot.networks.metadata import read_metadata

NAME = "model"


@dataclass(frozen=True)
class ModelFile:
    """What stands for the CheckpointFile of a model.

    Attributes:
        prefix: the folder.
        name: how the names of the results begin.
    """

    prefix: Path
    name: str = NAME


def networks_of_model(folder):
    """CheckpointNetworks of a model folder.

    The factor on reference energies and the periodicity that replaces that of the
    structures are those of the checkpoint that the model was extracted from.

    Raises:
        InputError: see `read_model`.
    """
    model, about = read_model(folder), read_metadata(folder).about
    is_mbp = model.mbp_generation is not None
    data = (about.get("data") or {}) | {
        "descriptor": model.settings.to_dict(),
        "mbp_generation": model.mbp_generation,
        # Stated for the model, even where the checkpoint only assumed it.
        "mbp_generation_source": "stated" if is_mbp else None,
    }
    rescale = (about | model.training).get("energy_rescale", 1.0)
    file = ModelFile(Path(folder))
    return CheckpointNetworks(file, model.specs, model.weights, rescale, data)
