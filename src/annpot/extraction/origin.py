"""Where the networks come from: a checkpoint, or a LAMMPS export of PANNA."""

from dataclasses import dataclass, field
from pathlib import Path

from annpot import __version__
from annpot.deploy.panna.plugin import is_plugin, read_plugin
from annpot.networks.checkpoint_files import (
    find_checkpoint,
    latest_checkpoint,
    saved_checkpoints,
)
from annpot.networks.checkpoint_networks import CheckpointNetworks, open_networks
from annpot.networks.provenance import provenance_of, weights_sha256
from annpot.networks.stored_domain import StoredDomain, read_domain
from annpot.networks.stored_run import read_stored_run

LATEST = -1  # step_number that stands for the latest checkpoint


@dataclass(frozen=True)
class PluginFile:
    """A file `panna.in` in the place of a checkpoint."""

    path: Path

    @property
    def name(self):
        """The path, as messages and tables show it."""
        return str(self.path)


@dataclass(frozen=True, eq=False)
class Origin:
    """Networks with all that is known of where they come from.

    Attributes:
        networks: CheckpointNetworks; `data` says what is known of the descriptors.
        domain: StoredDomain of the training.
        provenance: see `annpot.networks.provenance`, or None.
        ini: text of the INI file of the training, or None.
        metrics: {column: value} of the checkpoint's epoch.
    """

    networks: CheckpointNetworks
    domain: StoredDomain = field(default_factory=StoredDomain)
    provenance: dict | None = None
    ini: str | None = None
    metrics: dict = field(default_factory=dict)

    @property
    def about(self):
        """What is told in networks_metadata.json itself; None where nothing is."""
        networks, provenance = self.networks, self.provenance
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

    @property
    def training(self):
        """What model.json says of the training, see doc/formats.md."""
        networks = self.networks
        return {
            "checkpoint": networks.file.name,
            "checkpoint_checksum": (self.provenance or {}).get("checkpoint_checksum"),
            "weights_sha256": weights_sha256(networks.specs, networks.weights),
            "data_fingerprint": networks.data.get("fingerprint"),
            "energy_rescale": networks.energy_rescale,
            "metrics": self.metrics,
        }


def find_origin(config, train_config, checkpoint, generation):
    """Origin of an ExtractConfig.

    Args:
        config: ExtractConfig.
        train_config: TrainConfig of the run that wrote the checkpoint, or None.
        checkpoint: CheckpointFile; None for the one that `step_number` chooses.
        generation: of mBP, as the user states it, or None.

    Raises:
        InputError: no such checkpoint, it is damaged, or it does not fit the train
            INI; a damaged export.
    """
    folder = config.io.network_dir
    if checkpoint is None and not saved_checkpoints(folder) and is_plugin(folder):
        return _of_plugin(folder, generation)
    checkpoint = checkpoint or chosen_checkpoint(config)
    networks = open_networks(checkpoint, train_config, config.io.weights)
    run = read_stored_run(checkpoint.prefix)
    return Origin(
        networks,
        read_domain(run.bundle),
        provenance_of(checkpoint),
        run.facts.get("ini"),
        run.metrics,
    )


def _of_plugin(path, generation):
    """Origin of an export; offsets are in the biases, so they are 0."""
    read = read_plugin(path, generation)
    data = {
        "descriptor": read.settings.to_dict(),
        "mbp_generation": read.mbp_generation,
        "mbp_generation_source": "assumed" if read.mbp_generation is None else "stated",
    }
    return Origin(
        CheckpointNetworks(PluginFile(read.path), read.specs, read.weights, 1.0, data)
    )


def chosen_checkpoint(config):
    """CheckpointFile of `step_number`, which is exact; -1 is the latest.

    Raises:
        InputError: there is no such checkpoint.
    """
    step = config.io.step_number
    if step == LATEST:
        return latest_checkpoint(config.io.network_dir)
    return find_checkpoint(config.io.network_dir, step=step)
