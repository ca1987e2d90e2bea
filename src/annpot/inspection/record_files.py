"""Sheets of files of records: `.bin` and TFRecord."""

from collections import Counter
from pathlib import Path

import numpy as np

from annpot import files
from annpot.data.binary_format import BinaryFormatError, decode_bin
from annpot.data.dataset_description import FILE_NAME, read_description_file
from annpot.data.example_proto import MalformedExampleError, decode_example
from annpot.data.record_features import decode_record
from annpot.data.structure_records import decode_structure
from annpot.data.tfrecord import CHECKSUM_BYTES, checked_payload, record_spans
from annpot.errors import InputError
from annpot.inspection.sheet import Sheet

LARGEST_SAMPLE = 2**24  # bytes of records that are decoded
MOST_RECORDS = 2000  # that are decoded
DESCRIPTORS, STRUCTURES = "gvects", "positions_f64"  # features that tell the kind


def bin_sheet(path):
    """Sheet of a `.bin` file.

    Raises:
        InputError: it is cut short, corrupt or no such file.
    """
    path = Path(path)
    content = files.content_of(path)
    try:
        record = decode_bin(content, path.stem)
    except BinaryFormatError as problem:
        raise InputError(
            f"{path}: {problem} Expected descriptors of one structure, as "
            "app_gvect_calculator writes them (doc/formats.md)."
        ) from None
    species = species_beside(path)
    counts = Counter(record.species.tolist())
    facts = {
        "name": record.name,
        "atoms": record.n_atoms,
        "species": _named(counts, species),
        "g_size": record.g_size,
        "energy_eV": record.energy,
        "energy_eV_per_atom": record.energy / record.n_atoms,
        "descriptor_range": [float(record.g.min()), float(record.g.max())],
        "derivatives": record.derivatives_kind,
        "forces": record.forces is not None,
        "energies_of_atoms": record.per_atom_quantity is not None,
        "bytes": len(content),
    }
    return Sheet(str(path), "descriptors of one structure (.bin)", facts)


def tfrecord_sheet(path):
    """Sheet of a TFRecord file; of a large one evenly spaced records are decoded.

    Raises:
        InputError: it is empty, cut short or corrupt.
    """
    path = Path(path)
    offsets, lengths = record_spans(path)
    chosen = _sample(lengths)
    payloads = list(_payloads(path, offsets[chosen], lengths[chosen]))
    facts = {"records": len(offsets), "bytes": path.stat().st_size}
    kind, more = _content(path, payloads)
    notes = ()
    if len(chosen) < len(offsets):
        notes = (f"Numbers are those of {len(chosen)} of the {len(offsets)} records.",)
    return Sheet(str(path), kind, facts | more, notes=notes)


def species_beside(path):
    """Ordered symbols of the dataset.json beside a file; None where it tells none."""
    try:
        content = read_description_file(Path(path).parent / FILE_NAME)
    except (InputError, OSError):
        return None
    return content and content.get("species")


def _sample(lengths):
    """Indices of the records to decode."""
    mean = max(lengths.mean(), 1) if len(lengths) else 1
    most = int(np.clip(LARGEST_SAMPLE / mean, 1, MOST_RECORDS))
    if len(lengths) <= most:
        return np.arange(len(lengths))
    return np.linspace(0, len(lengths) - 1, most).astype(int)


def _payloads(path, offsets, lengths):
    with open(path, "rb") as stream:
        for number, (offset, length) in enumerate(zip(offsets, lengths, strict=True)):
            stream.seek(offset)
            content = stream.read(int(length) + CHECKSUM_BYTES)
            yield checked_payload(content, "{}: sampled record {}".format, path, number)


def _content(path, payloads):
    """(kind, facts) of the records of a file, as the first of them tells."""
    if not payloads:
        return "TFRecord without records", {}
    try:
        features = decode_example(payloads[0])
    except MalformedExampleError:
        return "TFRecord of messages that are no tf.train.Example", {}
    if DESCRIPTORS in features:
        records = [decode_record(payload, str(path)) for payload in payloads]
        return "descriptors (TFRecord)", _descriptor_facts(path, records)
    if STRUCTURES in features:
        return "structures (TFRecord)", _structure_facts(path, payloads)
    return "TFRecord of another program", {"features": sorted(features)}


def _descriptor_facts(path, records):
    species = Counter()
    for record in records:
        species.update(record.species.tolist())
    kinds = Counter(record.derivatives_kind for record in records)
    return _common_facts(records) | {
        "species": _named(species, species_beside(path)),
        "g_size": sorted({record.g_size for record in records}),
        "derivatives": [kind for kind in kinds if kind],
        "labels": _labels(records, ("energy", "forces", "per_atom_quantity")),
    }


def _structure_facts(path, payloads):
    largest = max(int(decode_example(p)["species"].max(initial=0)) for p in payloads)
    names = species_beside(path) or [f"species {n}" for n in range(largest + 1)]
    structures = [decode_structure(payload, names, str(path)) for payload in payloads]
    species = Counter(symbol for one in structures for symbol in one.symbols)
    return _common_facts(structures) | {
        "species": dict(species),
        "periodic_structures": sum(bool(one.pbc.any()) for one in structures),
        "labels": _labels(structures, ("energy", "forces", "virial")),
    }


def _common_facts(records):
    """Numbers of atoms and ranges of energies of records or structures."""
    n_atoms = np.array([one.n_atoms for one in records])
    known = [one for one in records if one.energy is not None]
    energies = np.array([one.energy for one in known], float)
    per_atom = energies / np.array([one.n_atoms for one in known])
    return {
        "atoms": int(n_atoms.sum()),
        "atoms_per_structure": [int(n_atoms.min()), int(n_atoms.max())],
        "energy_eV": _range(energies),
        "energy_eV_per_atom": _range(per_atom),
        "first_name": records[0].name,
        "last_name": records[-1].name,
    }


def _range(values):
    return [float(values.min()), float(values.max())] if len(values) else None


def _labels(records, names):
    """{label: number of records that have it}."""
    counts = {n: sum(getattr(one, n) is not None for one in records) for n in names}
    return {name: count for name, count in counts.items() if count}


def _named(counts, species):
    """{symbol: number of atoms}; indices where nobody says the symbols."""
    if species is not None and max(counts) < len(species):
        return {species[index]: n for index, n in sorted(counts.items())}
    return {f"index {index}": n for index, n in sorted(counts.items())}
