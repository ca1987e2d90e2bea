"""Whose an output folder is: nothing is mixed with files of other settings.

A folder is claimed by an unfinished dataset.json before its first file is written.
"""

from pathlib import Path

from annpot import files
from annpot.data.dataset_description import (
    FILE_NAME,
    read_description_file,
    write_unfinished,
)
from annpot.data.file_entry import FileEntry
from annpot.data.structure_origin import origin_of
from annpot.errors import InputError


def claim_descriptor_folder(folder, origin):
    """Make a folder of `.bin` files or check that it belongs to the same settings.

    Raises:
        InputError: it holds files of other settings, or of unknown ones.
    """
    folder = Path(folder)
    content = _prepared(folder)
    if content is None:
        if n_files := len(list(folder.glob("*.bin"))):
            raise InputError(
                f"{folder}: holds {n_files} .bin files but no {FILE_NAME} that says "
                "how they were made. Choose another output_gvect_dir."
            )
        write_unfinished(folder, origin)
        return
    found, wanted = origin_of(content).to_dict(), origin.to_dict()
    if found != wanted and not any(folder.glob("*.bin")):
        write_unfinished(folder, origin)  # nothing was computed with those settings
    elif found != wanted:
        raise InputError(
            f"{folder}: holds descriptors of other settings "
            f"({_difference(found, wanted)}). Choose another output_gvect_dir, or "
            "delete this folder to compute it anew."
        )


def claim_packing_folder(folder, origin, key):
    """Make a folder of TFRecord files or check that it is for this packing.

    Args:
        folder: of the TFRecord files.
        origin: DescriptorOrigin of the records.
        key: text that stands for what is packed and how.

    Returns:
        FileEntry by name of what an earlier run finished, {} when it did not.

    Raises:
        InputError: it holds another packing, or files that were not packed here.
    """
    folder = Path(folder)
    content = _prepared(folder)
    if content is None:
        if present := sorted(path.name for path in folder.glob("*.tfrecord")):
            raise InputError(
                f"{folder}: holds {len(present)} .tfrecord files that were not packed "
                f"here (the first is {present[0]}). Choose another output_dir."
            )
        write_unfinished(folder, origin, key)
        return {}
    if content.get("made_from") != key:
        raise InputError(
            f"{folder}: holds another packing: other input, another order or "
            "other contents. Choose another output_dir, or delete this folder to pack "
            "anew."
        )
    if not content["complete"]:
        return {}
    return {entry["name"]: FileEntry.from_dict(entry) for entry in content["files"]}


def _prepared(folder):
    """Make and tidy the folder; what its dataset.json says, or None."""
    files.make_folder(folder)
    files.remove_leftovers(folder)
    return read_description_file(folder / FILE_NAME)


def _difference(found, wanted):
    """The first setting that differs, as "key: old there, new now"."""
    if found.get("descriptor") and wanted["descriptor"]:
        found = found | found["descriptor"]
        wanted = wanted | wanted["descriptor"]
    differing = [
        key
        for key in found | wanted
        if key != "descriptor" and found.get(key) != wanted.get(key)
    ]
    key = (differing or ["descriptor"])[0]
    return f"{key}: {str(found.get(key))[:60]} there, {str(wanted.get(key))[:60]} now"
