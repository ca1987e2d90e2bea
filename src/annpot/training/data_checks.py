"""Do the data fit the settings? Answered from dataset.json, before TensorFlow works."""

from annpot.data.descriptor_origin import DescriptorOrigin
from annpot.data.record_index import tfrecord_files
from annpot.data.recorded_files import missing_notice, read_verified
from annpot.data.tfrecord import SUFFIX, read_records
from annpot.errors import InputError


def descriptor_length(config):
    """g_size of the run: what the INI file says, else what the first record holds.

    Raises:
        InputError: the INI file and the data disagree.
    """
    folder = config.io.data_dir
    files = tfrecord_files(folder, config.source.where("IO_INFORMATION", "data_dir"))
    read_verified(folder, SUFFIX)
    first = next(read_records(files[0]))
    problems = []
    for element in config.data.atomic_sequence:
        stated = config.element_network(element).g_size
        if stated is not None and stated != first.g_size:
            is_own = config.source.is_given(element, "g_size")
            where = config.source.where(
                element if is_own else "DEFAULT_NETWORK", "g_size"
            )
            problems.append(
                f"{where}: g_size = {stated} for {element}, but the records of "
                f"{folder} have {first.g_size} descriptors per atom. Set g_size = "
                f"{first.g_size}, or make the data with other descriptor settings."
            )
    if problems:
        raise InputError(problems)
    return first.g_size


def data_facts(config, n_features):
    """(facts of the training data for the checkpoints, notices).

    dataset.json of both folders is compared with the files beside it, with the
    settings and with each other. The facts name what of the described files is not
    there, as the fingerprint is that of all.

    Raises:
        InputError: see `read_verified` and `data_origin`.
    """
    facts, notes, generations = None, [], set()
    folders = (
        ("IO_INFORMATION", config.io.data_dir),
        ("VALIDATION_OPTIONS", config.validation.data_dir),
    )
    for section, folder in folders:
        if folder is None:
            continue
        tfrecord_files(folder, config.source.where(section, "data_dir"))
        described = read_verified(folder, SUFFIX)
        origin, notices = data_origin(config, folder, described, n_features)
        notes += notices
        if described is not None and described.missing:
            notes.append(missing_notice(folder, described))
        generations.add(origin.mbp_generation)
        if facts is None:
            facts = _identity(described) | origin.to_dict()
    if config.io.data_dir == config.validation.data_dir:
        notes.append("The validation data are the training data.")
    if len(generations) > 1:
        raise InputError(
            f"{config.validation.data_dir}: its descriptors are of another generation "
            "of mBP than the training data. Make both with the same settings."
        )
    return facts, list(dict.fromkeys(notes))


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
