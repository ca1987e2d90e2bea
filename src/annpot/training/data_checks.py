"""Do the data fit the settings? Answered from dataset.json, before TensorFlow works."""

from annpot.data.record_index import index_records
from annpot.data.tfrecord import read_records
from annpot.errors import InputError


def descriptor_length(config):
    """g_size of the run: what the INI file says, else what the first record holds.

    Raises:
        InputError: the INI file and the data disagree.
    """
    folder = config.io.data_dir
    first = next(read_records(index_records(folder).files[0]))
    problems = []
    for element in config.data.atomic_sequence:
        stated = config.element_network(element).g_size
        if stated is not None and stated != first.g_size:
            where = config.source.where("DEFAULT_NETWORK", "g_size")
            problems.append(
                f"{where}: g_size = {stated} for {element}, but the records of "
                f"{folder} have {first.g_size} descriptors per atom. Set g_size = "
                f"{first.g_size}, or make the data with other descriptor settings."
            )
    if problems:
        raise InputError(problems)
    return first.g_size


def check_description(config, folder, described, n_features):
    """Compare a DatasetDescription with the settings.

    Returns:
        list of notices.

    Raises:
        InputError: another order of elements or another g_size.
    """
    sequence = config.data.atomic_sequence
    if described.species is not None and described.species != sequence:
        where = config.source.where("DATA_INFORMATION", "atomic_sequence")
        raise InputError(
            f"{where}: atomic_sequence = {', '.join(sequence)}, but the descriptors in "
            f"{folder} were made with {', '.join(described.species)}. Use that order "
            "(and the same for output_offset)."
        )
    if described.g_size != n_features:
        raise InputError(
            f"{folder}: {described.g_size} descriptors per atom, expected {n_features} "
            "as in the training data. Make both with the same descriptor settings."
        )
    origin = described.origin
    if origin.mbp_generation_source == "assumed":
        return [
            f"{folder}: the descriptor files do not say their mBP generation; "
            f"{origin.mbp_generation} is assumed."
        ]
    return []
