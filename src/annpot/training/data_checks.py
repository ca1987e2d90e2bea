"""Do the data fit the settings? Answered from dataset.json, before TensorFlow works."""

from annpot.data.descriptor_origin import DescriptorOrigin
from annpot.data.record_index import tfrecord_files
from annpot.data.recorded_files import missing_notice, read_verified
from annpot.data.tfrecord import SUFFIX, read_records
from annpot.descriptors.settings import descriptor_settings
from annpot.errors import InputError


def descriptor_length(config):
    """g_size of the run: that of gvect_ini, else what the first record holds.

    Raises:
        InputError: the INI file and the data disagree.
    """
    if config.io.input_format == "tfr":
        g_size, whose = _recorded_length(config), f"the records of {config.io.data_dir}"
    else:
        g_size = descriptor_settings(config.descriptor).n_features
        whose = f"the settings of {config.io.gvect_ini}"
    others = {}  # (place in the INI file, length that it states) -> elements
    for element in config.data.atomic_sequence:
        stated = config.element_network(element).g_size
        if stated is not None and stated != g_size:
            is_own = config.source.is_given(element, "g_size")
            where = config.source.where(
                element if is_own else "DEFAULT_NETWORK", "g_size"
            )
            others.setdefault((where, stated), []).append(element)
    problems = [
        f"{where}: g_size = {stated} for {', '.join(elements)}, but {whose} give "
        f"{g_size} descriptors per atom. Set g_size = {g_size}, or use other "
        "descriptor settings."
        for (where, stated), elements in others.items()
    ]
    if problems:
        raise InputError(problems)
    return g_size


def _recorded_length(config):
    folder = config.io.data_dir
    files = tfrecord_files(folder, config.source.where("IO_INFORMATION", "data_dir"))
    read_verified(folder, SUFFIX)
    return next(read_records(files[0])).g_size


def data_facts(config, n_features, sources=None):
    """(facts of the training data for the checkpoints, notices).

    dataset.json of both folders is compared with the files beside it, with the
    settings and with each other. The facts name what of the described files is not
    there, as the fingerprint is that of all.

    Args:
        config: TrainConfig.
        n_features: g_size of the run.
        sources: {section: StructureSource} of the sections that name structures.

    Raises:
        InputError: see `read_verified` and `data_origin`.
    """
    facts, notes, generations = None, [], set()
    for section, keys in (
        ("IO_INFORMATION", config.io),
        ("VALIDATION_OPTIONS", config.validation),
    ):
        folder = keys.data_dir
        if folder is None:
            continue
        if keys.input_format == "tfr":
            tfrecord_files(folder, config.source.where(section, "data_dir"))
            described = read_verified(folder, SUFFIX)
            origin, notices = data_origin(config, folder, described, n_features)
        else:
            described, notices = sources[section].described, []
            origin = _origin_of_structures(config)
        notes += notices
        if described is not None and described.missing:
            notes.append(missing_notice(folder, described))
        generations.add(origin.mbp_generation)
        if facts is None:
            facts = _identity(described) | origin.to_dict()
            if described is None and sources and section in sources:
                facts["fingerprint"] = sources[section].fingerprint
    if config.io.data_dir == config.validation.data_dir:
        notes.append("The validation data are the training data.")
    if len(generations) > 1:
        raise InputError(
            f"{config.validation.data_dir}: its descriptors are of another generation "
            "of mBP than the training data. Make both with the same settings."
        )
    return facts, list(dict.fromkeys(notes))


def _origin_of_structures(config):
    """DescriptorOrigin of descriptors that are made with the settings of gvect_ini."""
    origin = DescriptorOrigin.of_settings(
        descriptor_settings(config.descriptor),
        config.descriptor.symmetry_function.mbp_generation,
        config.descriptor.use_pbc,
    )
    where = config.source.where("DATA_INFORMATION", "mbp_generation")
    return origin.with_generation(config.data.mbp_generation, where)


def _identity(described):
    """What tells one data set from another."""
    if described is None:
        return {"fingerprint": None, "missing_files": []}
    return {
        "fingerprint": described.fingerprint,
        "missing_files": list(described.missing),
    }


def data_origin(config, folder, described, n_features):
    """What is known of the descriptors of a folder, compared with the settings.

    Args:
        config: TrainConfig.
        folder: folder of the TFRecords.
        described: its DatasetDescription, or None.
        n_features: g_size of the training data.

    Returns:
        (DescriptorOrigin, notices).

    Raises:
        InputError: another order of elements, another g_size, or a stated generation
            that is not the one of the data.
    """
    sequence = config.data.atomic_sequence
    if described is None:
        origin = DescriptorOrigin.of_foreign_files(sequence, n_features)
    else:
        origin = described.origin
        _check_agreement(config, folder, origin, n_features)
    where = config.source.where("DATA_INFORMATION", "mbp_generation")
    origin = origin.with_generation(config.data.mbp_generation, where)
    unknown = []
    if origin.mbp_generation_source == "assumed":
        unknown.append(
            f"their generation of mBP: {origin.mbp_generation} is assumed "
            "([DATA_INFORMATION] mbp_generation)"
        )
    if described is None or described.species is None:
        unknown.append(
            f"the order of their elements: {', '.join(sequence)} is taken from "
            "atomic_sequence"
        )
    if not unknown:
        return origin, []
    return origin, [f"{folder}: the files do not say {', nor '.join(unknown)}."]


def _check_agreement(config, folder, origin, n_features):
    sequence = config.data.atomic_sequence
    if origin.species is not None and origin.species != sequence:
        where = config.source.where("DATA_INFORMATION", "atomic_sequence")
        raise InputError(
            f"{where}: atomic_sequence = {', '.join(sequence)}, but the descriptors in "
            f"{folder} were made with {', '.join(origin.species)}. Use that order "
            "(and the same for output_offset)."
        )
    if origin.g_size != n_features:
        raise InputError(
            f"{folder}: {origin.g_size} descriptors per atom, expected {n_features} "
            "as in the training data. Make both with the same descriptor settings."
        )
