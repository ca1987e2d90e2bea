"""Are descriptors like those the networks were trained on?"""

from annpot.data.recorded_files import missing_notice
from annpot.errors import InputError

OTHER_DATA = (
    "Evaluate on data whose descriptors were made with the settings of the training."
)


def check_description(folder, networks):
    """Compare dataset.json with the networks and with what they were trained on.

    Args:
        folder: RecordFolder.
        networks: CheckpointNetworks.

    Returns:
        list of notices.

    Raises:
        InputError: see `check_origin`.
    """
    described = folder.described
    if described is None:
        return [_undescribed(folder, networks)]
    where = f"{folder.path}/dataset.json"
    notices = check_origin(described.origin, networks, where)
    missing = missing_notice(folder.path, described)
    return notices if missing is None else [missing, *notices]


def check_origin(origin, networks, where, remedy=OTHER_DATA):
    """Compare descriptors with the networks and with what they were trained on.

    Args:
        origin: DescriptorOrigin.
        networks: CheckpointNetworks.
        where: what says so about the descriptors, for messages.
        remedy: sentence that tells what to do where they do not fit.

    Returns:
        list of notices.

    Raises:
        InputError: other elements, another descriptor length or other descriptors.
    """
    elements = tuple(spec.element for spec in networks.specs)
    g_size = networks.specs[0].n_features
    problems = []
    if origin.species not in (None, elements):
        problems.append(
            f"{where}: descriptors of the elements {', '.join(origin.species)}, but "
            f"{networks.file.name} has networks of {', '.join(elements)}: expected the "
            f"same elements in the same order. {remedy}"
        )
    if origin.g_size != g_size:
        problems.append(
            f"{where}: {origin.g_size} descriptors per atom, but the networks of "
            f"{networks.file.name} take {g_size}. {remedy}"
        )
    if problems:
        raise InputError(problems)
    return _compare_descriptors(origin, networks, where, remedy)


def _undescribed(folder, networks):
    generation = networks.data.get("mbp_generation")
    kind = "" if generation is None else f" (mBP generation {generation})"
    return (
        f"{folder.path}: no dataset.json; its descriptors are assumed to be like those "
        f"of the training{kind}."
    )


def _compare_descriptors(origin, networks, where, remedy):
    """Notices about the generation; InputError for descriptors of another kind."""
    trained = networks.data
    both = origin.mbp_generation, trained.get("mbp_generation")
    stated = (
        "stated" == origin.mbp_generation_source == trained.get("mbp_generation_source")
    )
    name = networks.file.name
    if None not in both and both[0] != both[1]:
        text = (
            f"{where}: descriptors of mBP generation {both[0]} "
            f"({origin.mbp_generation_source}), but {name} was trained on generation "
            f"{both[1]} ({trained.get('mbp_generation_source')})"
        )
        if stated:
            raise InputError(f"{text}. {remedy}")
        return [f"{text}; the errors below mean little if that is true."]
    settings = origin.to_dict()["descriptor"], trained.get("descriptor")
    if None not in settings and settings[0] != settings[1]:
        keys = sorted({*settings[0], *settings[1]})
        differing = [k for k in keys if settings[0].get(k) != settings[1].get(k)]
        raise InputError(
            f"{where}: other descriptor settings than those {name} was trained on "
            f"({', '.join(differing)} differ). {remedy}"
        )
    if origin.mbp_generation_source == "assumed":
        return [
            f"{where}: the files do not say their mBP generation; "
            f"{origin.mbp_generation} is assumed."
        ]
    return []
