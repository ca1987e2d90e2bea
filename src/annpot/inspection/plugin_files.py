"""Sheets of potentials that PANNA, or annpot for PANNA's plugin, wrote for LAMMPS."""

from pathlib import Path

from annpot.deploy.panna.plugin import FILE_NAME, read_plugin
from annpot.inspection.descriptors import descriptor_facts
from annpot.inspection.extracted import networks_listing
from annpot.inspection.sheet import Sheet

HEADER, KEY = b"[GVECT_PARAMETERS]", b"Nspecies"  # of each such file


def is_plugin_file(path):
    """Whether a file is panna.in, under whatever name."""
    if Path(path).name == FILE_NAME:
        return True
    with open(path, "rb") as stream:
        head = stream.read(4096)
    return HEADER in head and KEY in head


def plugin_sheet(path):
    """Sheet of panna.in; the files of weights beside it are read.

    Raises:
        InputError: one of them is missing or malformed.
    """
    model = read_plugin(path)
    notes, source = [], "stated"
    if model.mbp_generation is None:
        source = None
        notes.append(
            "It does not state the generation of mBP; what it means depends on the "
            "program that wrote it."
        )
    described = {
        "g_size": model.settings.n_features,
        "descriptor": model.settings.to_dict(),
        "mbp_generation": model.mbp_generation,
        "mbp_generation_source": source,
    }
    facts = {
        "gversion": model.gversion,
        "species": list(model.settings.species),
        **descriptor_facts(described),
        "bytes": Path(model.path).stat().st_size,
    }
    notes.append("Offsets are in the biases of the last layers, in float32.")
    tables = (networks_listing(model.specs),)
    kind = "potential of PANNA for LAMMPS"
    return Sheet(str(path), kind, facts, tables, tuple(notes))
