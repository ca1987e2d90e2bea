"""A few small structures with forces and virials, and INI files that train on them.

Two to four atoms, 10 descriptor components. The labels are random: what is fitted does
not matter, only that every number of them is used in the right place.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from annpot.data.records import (
    DenseDerivatives,
    DescriptorRecord,
    sparse_derivatives,
)
from annpot.descriptors.calculator import batch_descriptors
from annpot.descriptors.derivatives import batch_derivatives
from annpot.forces.prediction import StructurePotential
from annpot.networks.architecture import LayerWeights
from annpot.structures.batch import structure_batch
from reference.descriptor_cases import SKEWED, scattered, settings_of
from reference.small_training import SmallData, train_ini, weights_of, write_folder

SPECIES = ("H", "O")
OFFSETS = (-13.6, -2041.8)  # eV
NUMBERS = {
    "rc_rad": 4.6, "rs0_rad": 0.5, "rsn_rad": 2, "eta_rad": 1.0,
    "rc_ang": 3.4, "rs0_ang": 0.5, "rsn_ang": 1, "eta_ang": 1.0,
    "thetasn": 2, "zeta": 4.0,
}  # fmt: skip
N_FEATURES = 2 * 2 + 3 * 1 * 2
CELLS = ((), (SKEWED, (True,) * 3), (SKEWED, (True, True, False)), ())
MOLECULES = ("OHH", "OHOH", "OH", "HHO", "HOOH")


def settings():
    """DescriptorSettings of the data."""
    return settings_of(SPECIES, NUMBERS, generation=3)


def gvect_ini(folder, **keys):
    """Write `folder`/gvect.ini with those settings; return its path."""
    keys = {"type": "mBP", "species": ", ".join(SPECIES), "mbp_generation": 3} | keys
    described = "".join(f"{key} = {value}\n" for key, value in keys.items())
    numbers = "".join(f"{key} = {value}\n" for key, value in NUMBERS.items())
    path = Path(folder) / "gvect.ini"
    path.write_text(f"[SYMMETRY_FUNCTION]\n{described}[GVECT_PARAMETERS]\n{numbers}")
    return path


def small_structures(n, seed=1, molecules=MOLECULES, cells=CELLS):
    """`n` labelled Structures: molecules, crystals and slabs in turn."""
    return [
        _structure(
            molecules[number % len(molecules)], cells[number % len(cells)], number, seed
        )
        for number in range(n)
    ]


def _structure(symbols, cell, number, seed):
    rng = np.random.default_rng([seed, number])
    one = scattered(symbols, *cell, seed=rng.integers(2**31))
    offset = sum(OFFSETS[SPECIES.index(symbol)] for symbol in symbols)
    return replace(
        one,
        name=f"s{number}",
        energy=offset + 0.5 * rng.normal(),
        forces=0.5 * rng.normal(size=(len(symbols), 3)),
        virial=rng.normal(size=6) if one.pbc.any() else None,
    )


def with_gaps(structures):
    """The same with every third energy, fourth forces and fifth virial missing."""
    gaps = (("energy", 3, 1), ("forces", 4, 2), ("virial", 5, 1))
    return [
        replace(s, **{label: None for label, n, k in gaps if number % n == k})
        for number, s in enumerate(structures)
    ]


def write_xyz(path, structures):
    """Write Structures as extended XYZ with every digit; return the path."""
    blocks = []
    for s in structures:
        has_forces = s.forces is not None
        fields = {"Properties": "species:S:1:pos:R:3" + ":forces:R:3" * has_forces}
        fields |= {"name": s.name, "pbc": _words("FT"[bool(p)] for p in s.pbc)}
        if s.pbc.any():
            fields["Lattice"] = _words(map(repr, s.cell.ravel().tolist()))
        if s.energy is not None:
            fields["energy"] = repr(float(s.energy))
        if s.virial is not None:
            xx, yy, zz, yz, xz, xy = map(repr, np.asarray(s.virial).tolist())
            fields["virial"] = _words([xx, xy, xz, xy, yy, yz, xz, yz, zz])
        rows = np.hstack([s.positions, s.forces] if has_forces else [s.positions])
        lines = [
            " ".join([symbol, *map(repr, row)])
            for symbol, row in zip(s.symbols, rows.tolist(), strict=True)
        ]
        about = " ".join(f"{key}={value}" for key, value in fields.items())
        blocks.append("\n".join([str(s.n_atoms), about, *lines]) + "\n")
    path = Path(path)
    path.write_text("".join(blocks))
    return path


def _words(parts):
    return f'"{" ".join(parts)}"'


def descriptor_records(structures, kind=None):
    """DescriptorRecords as app_gvect_calculator and app_tfr_packer make them.

    Args:
        structures: Structures.
        kind: "dense" or "sparse" derivatives with forces, or None for neither.
    """
    chosen, records = settings(), []
    for s in structures:
        batch = structure_batch([s], SPECIES)
        record = DescriptorRecord(
            name=s.name,
            species=batch.species.astype(np.int64),
            g=batch_descriptors(batch, chosen, np.float32),
            energy=s.energy,
        )
        if kind is not None:
            _, found = batch_derivatives(batch, chosen, np.float32)
            dense = DenseDerivatives(found.dense())
            record = replace(
                record,
                derivatives=dense if kind == "dense" else sparse_derivatives(dense),
                forces=s.forces.astype(np.float32),
            )
        records.append(record)
    return records


def write_records(folder, structures, kind=None):
    """Write the DescriptorRecords of structures into a new folder; return it."""
    return write_folder(folder, descriptor_records(structures, kind), n_files=2)


def force_ini(folder, training, validation=None, **sections):
    """Write train.ini and gvect.ini that train on forces; see `train_ini`.

    Args:
        folder: an existing folder.
        training, validation: files or folders; no validation where None.
    """
    own = {
        "IO_INFORMATION": {"input_format": "example", "gvect_ini": gvect_ini(folder)},
        "DATA_INFORMATION": {
            "atomic_sequence": ", ".join(SPECIES),
            "output_offset": ", ".join(map(str, OFFSETS)),
        },
        "DEFAULT_NETWORK": {"architecture": "3:1", "activations": "gaussian:linear"},
        "TRAINING_PARAMETERS": {"forces_cost": 0.3},
        "VALIDATION_OPTIONS": None if validation is None else {},
    }
    for section, keys in sections.items():
        own[section] = (own.get(section) or {}) | keys
    return train_ini(folder, SmallData(training, validation), **own)


def potential_of_run(run):
    """StructurePotential in float64 with the weights of a Run."""
    weights = {
        element: tuple(
            LayerWeights(*(np.asarray(values, np.float64) for values in pair))
            for pair in layers
        )
        for element, layers in weights_of(run).items()
    }
    return StructurePotential(settings(), run.potential.specs, weights)
