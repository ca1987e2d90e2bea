"""Networks in the forms that run molecular dynamics, not written yet."""

from dataclasses import dataclass, field, replace

from annpot.deploy.openkim import kim_files
from annpot.deploy.panna.plugin import plugin_files
from annpot.extraction.descriptor import deployed_descriptor
from annpot.extraction.golden import golden_structures
from annpot.models.golden import computed
from annpot.models.model import DescriptorRange, Model

IO = "IO_INFORMATION"
MODEL_TYPES = {"LAMMPS", "ASE"}  # those that write the folder of a model


@dataclass
class DeployedForms:
    """What is going to be written.

    Attributes:
        model: Model for the folder, or None where that is not asked for.
        golden_source: where its golden structures come from.
        others: {name: bytes} of PANNA's files beside it.
        kim: name and {name: bytes} of a portable model, or None.
        losses: {output type: RoundingLosses}.
    """

    model: Model | None = None
    golden_source: str = ""
    others: dict = field(default_factory=dict)
    kim: tuple[str, dict] | None = None
    losses: dict = field(default_factory=dict)


def deployed_forms(config, origin, stated):
    """DeployedForms of an extraction; golden structures are computed.

    Args:
        config: ExtractConfig.
        origin: Origin.
        stated: generation of mBP that the INI files state, or None.

    Raises:
        InputError: the descriptor is not known for sure, or a form cannot hold the
            networks.
    """
    io, networks, output = config.io, origin.networks, DeployedForms()
    settings, generation = deployed_descriptor(config, networks, stated)
    potential = settings, networks.specs, networks.weights, generation
    if "LAMMPS" in io.output_type:
        version, name = io.gvector_version, io.output_file
        form = f"output_type = LAMMPS, gvector_version = {version}"
        output.others, output.losses["LAMMPS"] = plugin_files(
            *potential, version, name, form
        )
    if "KIM" in io.output_type:
        where = f"{config.source.where(IO, 'kim_model_name')}: [{IO}] "
        name, content, losses = kim_files(*potential, io.kim_model_name, where)
        output.kim, output.losses["KIM"] = (name, content), losses
    if MODEL_TYPES.isdisjoint(io.output_type):
        return output
    model = Model(
        settings=settings,
        specs=networks.specs,
        weights=networks.weights,
        ranges={e: DescriptorRange(*one) for e, one in origin.domain.ranges.items()},
        mbp_generation=generation,
        training=origin.training,
    )
    where = config.source.where(IO, "golden_structures")
    chosen, source = golden_structures(origin, io.golden_structures, where)
    output.golden_source = source
    golden = tuple(computed(one, model.potential) for one in chosen)
    output.model = replace(model, golden=golden)
    return output
