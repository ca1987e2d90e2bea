"""Which descriptor networks are deployed with, by all that is stated of it."""

from dataclasses import replace

from annpot.data.descriptor_origin import DescriptorOrigin
from annpot.descriptors.definition import DescriptorSettings
from annpot.descriptors.settings import DEFAULT_GENERATION, descriptor_settings
from annpot.errors import InputError
from annpot.evaluation.agreement import check_origin

IO, SYMMETRY = "IO_INFORMATION", "SYMMETRY_FUNCTION"
STATE_IT = (
    "State it: [IO_INFORMATION] mbp_generation = N, or mbp_generation = N under "
    "[SYMMETRY_FUNCTION] of gvector_input; N = 0 to 3, see doc/keywords.md."
)


def stated_generation(config):
    """Generation of mBP that the INI files state, None where they do not.

    Raises:
        InputError: they state different ones.
    """
    found, described = {}, config.descriptor
    if config.io.mbp_generation is not None:
        found[config.source.where(IO, "mbp_generation")] = config.io.mbp_generation
    if described is not None and described.source.is_given(SYMMETRY, "mbp_generation"):
        where = described.source.where(SYMMETRY, "mbp_generation")
        found[where] = described.symmetry_function.mbp_generation
    if len(set(found.values())) > 1:
        told = " and ".join(f"{where} states {n}" for where, n in found.items())
        raise InputError(f"mbp_generation: {told}: expected the same. Remove one.")
    return next(iter(found.values()), None)


def deployed_descriptor(config, networks, stated):
    """Descriptor of the networks: what the checkpoint knows, else gvector_input.

    Args:
        config: ExtractConfig.
        networks: CheckpointNetworks.
        stated: generation of mBP that the INI files state, or None.

    Returns:
        DescriptorSettings, generation of mBP or None for other descriptors.

    Raises:
        InputError: nobody describes it, the generation was only assumed, or what is
            said of it does not agree.
    """
    trained, described = networks.data, config.descriptor
    known = trained.get("mbp_generation")
    if trained.get("mbp_generation_source") != "stated":
        known = None
    if None not in (known, stated) and known != stated:
        raise InputError(
            f"{config.source.path}: mbp_generation = {stated} is stated, but "
            f"{networks.file.name} was trained on generation {known}: expected the "
            "same. Remove the key."
        )
    generation = stated if known is None else known
    if described is None:
        return _of_networks(config, networks, generation)
    settings = _of_file(described, generation, networks)
    where = str(config.io.gvector_input)
    remedy = f"Restore the settings of {where} that the training data were made with."
    sure = trained if known is not None or settings.kind != "mBP" else {}
    check_origin(
        DescriptorOrigin.of_settings(settings, generation),
        replace(networks, data=sure),
        where,
        remedy,
    )
    return settings, generation if settings.kind == "mBP" else None


def _of_networks(config, networks, generation):
    told, name = networks.data.get("descriptor"), networks.file.name
    if told is None:
        raise InputError(
            f"{config.source.where(IO, 'gvector_input')}: gvector_input is missing, "
            f"and {name} does not tell its descriptors: expected an INI file with "
            "[SYMMETRY_FUNCTION] and [GVECT_PARAMETERS]. Give the one that the "
            "training data were made with."
        )
    settings = DescriptorSettings.from_dict(told)
    if settings.kind != "mBP":
        return settings, None
    if generation is None:
        raise InputError(_assumed(name))
    return settings, generation


def _of_file(described, generation, networks):
    """DescriptorSettings of gvector_input with the generation that is known."""
    function = described.symmetry_function
    if function.type == "mBP":
        if generation is None:
            raise InputError(_assumed(networks.file.name))
        function = function.model_copy(update={"mbp_generation": generation})
    return descriptor_settings(replace(described, symmetry_function=function))


def _assumed(name):
    return (
        f"{name}: nothing states which generation of mBP its descriptors are "
        f"({DEFAULT_GENERATION} would only be assumed), and with another one the "
        f"energies are wrong. {STATE_IT}"
    )
