"""The descriptor sections of the file that `gvect_ini` names.

Structures come without descriptors; how these are made is read from an INI file of
app_gvect_calculator, of which only the descriptor's own sections count.
"""

from dataclasses import dataclass, field
from pathlib import Path

from annpot.config.ini import read_ini
from annpot.config.schema.gvect import SymmetryFunction
from annpot.config.schema.gvect_parameters import GvectParameters
from annpot.config.source import IniSource
from annpot.errors import InputError

IO, VALIDATION = "IO_INFORMATION", "VALIDATION_OPTIONS"
OF_STRUCTURES = ("example", "structure")  # values of input_format


@dataclass(frozen=True)
class DescriptorConfig:
    """How descriptors are made of structures.

    `annpot.descriptors.settings.descriptor_settings` takes it as it is.

    Attributes:
        symmetry_function, gvect_parameters: the sections.
        use_pbc: [PBC] use_pbc: periodicity that replaces the structures' own, or None.
        source: where all this was read.
    """

    symmetry_function: SymmetryFunction
    gvect_parameters: GvectParameters
    use_pbc: tuple[bool, bool, bool] | None
    source: IniSource = field(compare=False, repr=False)


def read_descriptor_config(path, load):
    """DescriptorConfig of a file with the descriptor sections of app_gvect_calculator.

    Args:
        path: the file.
        load: `annpot.config.load.load`, which also calls what calls this.

    Raises:
        InputError: with every problem of the file.
    """
    from annpot.config.schema.gvect import GvectConfig

    # The structures come from elsewhere; the key is required, so it is given here.
    config = load(GvectConfig, path, {(IO, "input_json_dir"): "."})
    return DescriptorConfig(
        symmetry_function=config.symmetry_function,
        gvect_parameters=config.gvect_parameters,
        use_pbc=config.pbc.use_pbc,
        source=config.source,
    )


def training_descriptor(parts, ini, load):
    """DescriptorConfig of a training on structures; None for records of descriptors.

    Raises:
        InputError: the file is wrong, or its species are not atomic_sequence.
    """
    formats = {parts.io.input_format, parts.validation.input_format}
    if formats.isdisjoint(OF_STRUCTURES):
        return None
    config = read_descriptor_config(parts.io.gvect_ini, load)
    found, expected = config.symmetry_function.species, parts.data.atomic_sequence
    if found != expected:
        there = config.source.where("SYMMETRY_FUNCTION", "species")
        raise InputError(
            f"{ini.where('DATA_INFORMATION', 'atomic_sequence')}: atomic_sequence = "
            f"{', '.join(expected)}, but {there} has species = {', '.join(found)}. Use "
            "the same elements in the same order (also for output_offset)."
        )
    return config


def evaluation_descriptor(parts, ini, load):
    """DescriptorConfig of gvect_ini for an evaluation of structures, else None."""
    is_needed = parts.io.input_format in OF_STRUCTURES and parts.io.gvect_ini
    return read_descriptor_config(parts.io.gvect_ini, load) if is_needed else None


def extraction_descriptor(parts, ini, load):
    """DescriptorConfig of gvector_input for what molecular dynamics runs, else None."""
    is_needed = parts.io.gvector_input and {"PANNA"} != set(parts.io.output_type)
    return read_descriptor_config(parts.io.gvector_input, load) if is_needed else None


DESCRIPTORS = {
    "app_extract_weights": extraction_descriptor,
    "app_train": training_descriptor,
    "app_evaluate": evaluation_descriptor,
}


def evaluation_like_training(parts):
    """input_format and gvect_ini are those of train_ini unless told, else tfr.

    A model knows its descriptors: what another training read says nothing about it.
    """
    io = parts.io
    is_told = io.model_dir is None and io.train_ini.exists()
    trained = _trained_on(io.train_ini) if is_told else {}
    given = io.input_format or trained.get("input_format") or "tfr"
    choice = {"input_format": given}
    if given in OF_STRUCTURES and io.gvect_ini is None and trained.get("gvect_ini"):
        choice["gvect_ini"] = Path(trained["gvect_ini"])
    parts.io = io.model_copy(update=choice)


def _trained_on(path):
    """{key: text} of the two keys in the INI file of a training."""
    ini, _ = read_ini(path)
    texts = {}
    for key in ("input_format", "gvect_ini"):
        entry = ini.entries.get((IO, key))
        if entry is not None and entry.text:
            texts[key] = entry.text
    known = ("tfr", *OF_STRUCTURES)
    written = texts.get("input_format", "").lower()
    return texts | {"input_format": written if written in known else None}


def structures_need_descriptors(parts, ini, findings):
    """Structures need gvect_ini; records of descriptors do not."""
    io, validation = parts.io, getattr(parts.validation, "input_format", None)
    places = ((IO, io.input_format), (VALIDATION, validation))
    chosen = [place for place in places if place[1] in OF_STRUCTURES]
    is_told = io.input_format is not None  # else train_ini tells, later
    if is_told and not chosen and io.gvect_ini is not None:
        findings.notice(
            f"[{IO}] gvect_ini has no effect: it belongs to input_format = example "
            "or structure.",
            ini.line(IO, "gvect_ini"),
        )
    # app_evaluate finds the descriptors also in the checkpoint.
    is_training = hasattr(parts, "training")
    if chosen and is_training and io.gvect_ini is None:
        section, value = chosen[0]
        findings.problem(
            f"[{section}] input_format = {value} needs [{IO}] gvect_ini, an INI file "
            "with [SYMMETRY_FUNCTION] and [GVECT_PARAMETERS] that says how the "
            "descriptors of structures are made.",
            ini.line(section, "input_format"),
        )
