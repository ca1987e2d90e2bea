"""Networks of a checkpoint, written for re-training and for other programs."""

from dataclasses import dataclass
from pathlib import Path

from annpot import __version__
from annpot.networks.checkpoint_files import find_checkpoint, latest_checkpoint
from annpot.networks.checkpoint_networks import CheckpointNetworks, open_networks
from annpot.networks.metadata import write_metadata
from annpot.networks.provenance import provenance_of, weights_sha256

LATEST = -1  # step_number that stands for the latest checkpoint


@dataclass(frozen=True, eq=False)
class Extraction:
    """What was extracted.

    Attributes:
        networks: CheckpointNetworks.
        folder: where they were written.
        written: names of the files.
    """

    networks: CheckpointNetworks
    folder: Path
    written: tuple[str, ...]


def extract(config, train_config, checkpoint=None):
    """Write the networks of one checkpoint as networks_metadata.json and .npy files.

    An earlier network in the same folder is replaced.

    Args:
        config: ExtractConfig.
        train_config: TrainConfig of the run that wrote the checkpoint, or None.
        checkpoint: CheckpointFile; None for the one that `step_number` chooses.

    Returns:
        Extraction.

    Raises:
        InputError: no such checkpoint, it is damaged, it does not fit the train INI,
            or the folder cannot be written.
    """
    checkpoint = checkpoint or chosen_checkpoint(config)
    networks = open_networks(checkpoint, train_config, config.io.weights)
    provenance = provenance_of(checkpoint)
    folder = Path(config.io.output_dir)
    potential = networks.specs, networks.weights
    written = write_metadata(
        folder, *potential, _about(networks, provenance), provenance
    )
    return Extraction(networks, folder, tuple(written))


def _about(networks, provenance):
    """What is told in networks_metadata.json itself; None where nothing is known."""
    if provenance is None:
        return None
    return {
        "version": __version__,
        "checkpoint": networks.file.name,
        "checkpoint_checksum": provenance["checkpoint_checksum"],
        "weights_sha256": weights_sha256(networks.specs, networks.weights),
        "energy_rescale": networks.energy_rescale,
        "data": networks.data,
    }


def chosen_checkpoint(config):
    """CheckpointFile of `step_number`, which is exact; -1 is the latest.

    Raises:
        InputError: there is no such checkpoint.
    """
    step = config.io.step_number
    if step == LATEST:
        return latest_checkpoint(config.io.network_dir)
    return find_checkpoint(config.io.network_dir, step=step)
