"""Sheets of checkpoints and of folders of checkpoints."""

from pathlib import Path

from annpot.errors import InputError
from annpot.inspection.descriptors import descriptor_facts
from annpot.inspection.models import training_atoms
from annpot.inspection.run_facts import metrics_listing, run_facts
from annpot.inspection.sheet import Listing, Sheet, changes_listing
from annpot.networks.activations import ACTIVATIONS
from annpot.networks.checkpoint_files import named_as_latest, saved_checkpoints
from annpot.networks.stored_domain import read_domain
from annpot.networks.stored_run import read_stored_run
from annpot.training.best_checkpoint import (
    best_metric,
    best_of,
    metric_values,
    stored_settings,
)

KEEP_EVERY = "IO_INFORMATION", "keep_every_epochs"
NO_CHECKSUM = "none of the whole; that of each tensor is right"


def checkpoint_sheet(prefix):
    """Sheet of one checkpoint; all of it is read and its checksums verified.

    Args:
        prefix: its path, with or without the suffix of one of its two files.

    Raises:
        InputError: it is missing, truncated or corrupt.
    """
    prefix = prefix_of(prefix)
    run = read_stored_run(prefix)
    run.bundle.verify()
    if not run.facts:
        return _foreign_sheet(prefix, run)
    data = run.facts.get("data") or {}
    facts, domain = run_facts(run), read_domain(run.bundle)
    facts |= {
        "data_fingerprint": data.get("fingerprint"),
        "data_division": _division(data.get("division")),
        "species": run.facts.get("species"),
        **descriptor_facts(data),
        "weights": _n_weights(run.shapes),
        "training_atoms": training_atoms(domain.ranges),
        "golden_structures": _golden(domain.golden),
        "bytes": _n_bytes(run),
        "checksum": _checksum(run),
        "comment": run.facts.get("comment"),
    }
    tables = [_networks(run.facts["networks"])]
    if run.columns and len(run.history):
        tables.append(metrics_listing(run))
    tables += changes_listing(run.facts.get("changes"))
    text = run.facts.get("ini")
    return Sheet(str(prefix), "checkpoint", facts, tuple(tables), settings=text)


def prefix_of(path):
    """Path of a checkpoint without the suffix of its files."""
    text = str(path).removesuffix(".index")
    return Path(text.split(".data-0")[0])


def models_folder_sheet(folder):
    """Sheet of a folder of checkpoints; the newest tells of the run.

    Raises:
        InputError: what says which is the newest cannot be read.
    """
    saved = sorted(saved_checkpoints(folder), key=lambda one: one.step)
    newest, run, notes = _newest_whole(saved)
    facts = {"checkpoints": len(saved), "newest": newest and newest.name}
    facts["named_as_newest"] = named_as_latest(folder)
    values, metric = {}, None
    if run is not None and run.facts:
        facts |= run_facts(run)
        metric = best_metric(run)
        values = metric_values(saved, run, metric)
    best = best_of(values, metric)
    facts |= {"best": best, "best_by": metric if best else None}
    rows = tuple(
        (
            one.name,
            one.epoch,
            one.step,
            values.get(one.name),
            _marks(one, newest, best, run),
        )
        for one in saved
    )
    columns = ("checkpoint", "epoch", "step", metric or "metric", "marks")
    listing = Listing("checkpoints", columns, rows)
    text = None if run is None else run.facts.get("ini")
    return Sheet(
        str(folder), "folder of checkpoints", facts, (listing,), tuple(notes), text
    )


def _newest_whole(saved):
    """(CheckpointFile, StoredRun, notes) of the newest one that can be read."""
    notes = []
    for checkpoint in reversed(saved):
        try:
            return checkpoint, read_stored_run(checkpoint.prefix), notes
        except InputError as error:
            notes += error.problems
    return None, None, notes


def _marks(checkpoint, newest, best, run):
    """Words on what a checkpoint is kept for."""
    every = None if run is None else keep_every(run)
    marks = []
    if checkpoint == newest:
        marks.append("newest")
    if checkpoint.name == best:
        marks.append("best")
    if every and checkpoint.epoch % every == 0:
        marks.append("permanent")
    return ", ".join(marks)


def keep_every(run):
    """`keep_every_epochs` of a StoredRun, or None."""
    text = stored_settings(run).get(*KEEP_EVERY, fallback="")
    return int(text) if text.isdigit() else None


def _foreign_sheet(prefix, run):
    """Sheet of a checkpoint without facts: one of PANNA, or of something else."""
    entries = run.bundle.entries
    facts = {
        "tensors": len(entries),
        "files_of_data": run.bundle.n_shards,
        "bytes": _n_bytes(run),
        "checksum": NO_CHECKSUM,
    }
    if run.shapes:
        rows = tuple(
            (element, ":".join(map(str, _sizes(shapes))))
            for element, shapes in sorted(run.shapes.items())
        )
        facts = {
            "species": sorted(run.shapes),
            "weights": _n_weights(run.shapes),
        } | facts
        notes = ("It does not tell activations, offsets and data: the train INI does.",)
        listing = Listing("networks", ("element", "layers"), rows)
        return Sheet(str(prefix), "checkpoint of PANNA 2", facts, (listing,), notes)
    is_first = any(name.startswith("species_") for name in entries)
    kind = "checkpoint of PANNA 1" if is_first else "checkpoint of another program"
    facts["first_tensors"] = sorted(entries)[:5]
    notes = ("annpot does not read it; extract its weights with PANNA 1.",)
    return Sheet(
        str(prefix), kind, facts, notes=notes if is_first else (), is_known=is_first
    )


def _networks(networks):
    """Listing of the networks that the facts describe."""
    columns = ("element", "layers", "activations", "trainable", "offset_eV")
    rows = tuple(
        (
            one["element"],
            ":".join(map(str, (one["n_features"], *one["sizes"]))),
            ":".join(ACTIVATIONS[number].name for number in one["activations"]),
            ":".join(str(int(flag)) for flag in one.get("trainable", ())),
            one["offset"],
        )
        for one in networks
    )
    return Listing("networks", columns, rows)


def _sizes(shapes):
    return [shapes[0][0], *(shape[1] for shape in shapes)]


def _n_weights(shapes):
    """Weights and biases of all networks."""
    layers = [shape for of_element in shapes.values() for shape in of_element]
    return sum(n_in * n_out + n_out for n_in, n_out in layers)


def _division(facts):
    """How many structures each set has; None where no folder was divided."""
    if not isinstance(facts, dict):
        return None
    counts = facts.get("counts") or {}
    sizes = ", ".join(f"{name} {number}" for name, number in counts.items())
    return f"{sizes} (split_seed {facts.get('split_seed')})"


def _golden(structures):
    """Names and roles of the golden structures; None without any."""
    return [f"{one['name']} ({one['role']})" for one in structures] or None


def _n_bytes(run):
    paths = [Path(f"{run.prefix}.index")]
    paths += [run.bundle.data_path(shard) for shard in range(run.bundle.n_shards)]
    return sum(path.stat().st_size for path in paths)


def _checksum(run):
    """What the checksum of the whole checkpoint says."""
    stored = run.stored_checksum()
    if stored is None:
        return NO_CHECKSUM
    return "verified" if stored == run.checksum() else "DOES NOT MATCH"
