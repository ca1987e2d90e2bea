"""app_extract_weights: everything is checked first, then everything is written."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from annpot import files
from annpot.deploy.panna.plugin import FILE_NAME as PANNA_IN
from annpot.errors import InputError
from annpot.extraction.descriptor import stated_generation
from annpot.extraction.origin import PluginFile, find_origin
from annpot.models.names import FILE_NAMES, MODEL
from annpot.networks.checkpoint_networks import CheckpointNetworks
from annpot.networks.metadata import write_metadata

DEPLOYED = {"LAMMPS", "ASE", "KIM"}  # what runs molecular dynamics
ARRAY = re.compile(r"([A-Z][a-z]?)_l\d+_[wb]\.npy")


@dataclass(frozen=True, eq=False)
class Extraction:
    """What was extracted.

    Attributes:
        networks: CheckpointNetworks.
        folder: where they were written.
        written: names of the files in it, without those of `kim_folder`.
        losses: {output type: RoundingLosses}, of those that add offsets to biases.
        model: `annpot.models.model.Model` that was written, or None.
        golden_source: where its golden structures come from.
        kim_folder: of the portable model, or None.
    """

    networks: CheckpointNetworks
    folder: Path
    written: tuple[str, ...]
    losses: dict = field(default_factory=dict)
    model: object = None
    golden_source: str = ""
    kim_folder: Path | None = None


def extract(config, train_config, checkpoint=None):
    """Write the networks of one checkpoint in all forms that are asked for.

    Earlier networks in the same folder are replaced.

    Args:
        config: ExtractConfig.
        train_config: TrainConfig of the run that wrote the checkpoint, or None.
        checkpoint: CheckpointFile; None for the one that `step_number` chooses.

    Returns:
        Extraction.

    Raises:
        InputError: no such checkpoint, it is damaged, it does not fit the train INI;
            a form cannot hold the networks; the folder cannot be written. Nothing was
            written then.
    """
    types, folder = set(config.io.output_type), Path(config.io.output_dir)
    stated = stated_generation(config)
    origin = find_origin(config, train_config, checkpoint, stated)
    _keep_source(origin.networks.file, folder)
    # Kernels are loaded only for what molecular dynamics needs.
    deployed = _deployed(config, origin, stated) if types & DEPLOYED else None
    written = _write(config, origin, deployed)
    if deployed is None:
        return Extraction(origin.networks, folder, written)
    return Extraction(
        origin.networks,
        folder,
        written,
        deployed.losses,
        deployed.model,
        deployed.golden_source,
        deployed.kim and _write_kim(folder, *deployed.kim),
    )


def _deployed(config, origin, stated):
    from annpot.extraction.deployed import deployed_forms

    return deployed_forms(config, origin, stated)


def _write(config, origin, deployed):
    """Write the networks, with a model around them if there is one; names of files."""
    folder, networks = Path(config.io.output_dir), origin.networks
    about, provenance = origin.about, origin.provenance
    others = _earlier(folder, networks.specs)
    if deployed is not None and deployed.model is not None:
        from annpot.models.folder import write_model

        others |= deployed.others
        written = write_model(
            folder, deployed.model, origin.ini, about, provenance, others
        )
    elif "PANNA" in config.io.output_type:
        others |= dict.fromkeys(FILE_NAMES)
        potential = networks.specs, networks.weights
        written = write_metadata(folder, *potential, about, provenance, others)
    else:
        written = ()
    return tuple(written)


def _keep_source(file, folder):
    """Refuse to write over the export that is converted."""
    is_same = isinstance(file, PluginFile) and file.path.parent.resolve() == (
        folder.resolve()
    )
    if is_same:
        raise InputError(
            f"{folder}: output_dir is the folder of {file.name}, which is converted: "
            "expected another one. Choose another output_dir."
        )


def _earlier(folder, specs):
    """{name: None} of the files of networks that an earlier model left."""
    path = folder / MODEL
    if not path.exists():
        return {}
    try:
        names = [str(name) for name in json.loads(path.read_bytes())["files"]]
    except (ValueError, KeyError, TypeError):
        names = []  # not ours
    arrays = [found for name in names if (found := ARRAY.fullmatch(name))]
    elements = {spec.element for spec in specs} | {found[1] for found in arrays}
    weights = [f"weights_{element}.dat" for element in sorted(elements)]
    return dict.fromkeys([PANNA_IN, *weights, *(found[0] for found in arrays)])


def _write_kim(folder, name, content):
    """Write a portable model, CMakeLists.txt last; its folder."""
    target = folder / name
    files.make_folder(target)
    for file in reversed(content):
        files.write_bytes(target / file, content[file])
    return target
