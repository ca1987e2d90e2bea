"""What a run says of how its data were divided, and what it compares on a restart."""

from pathlib import Path

from annpot import files
from annpot.data.split import FILE_NAME
from annpot.data.stored_split import decoded_division, encoded_division
from annpot.errors import InputError
from annpot.networks.checkpoint_reader import read_checkpoint

SPLIT = "split"  # the text of a checkpoint that holds who went where
ALL_TRAINED = "all structures are trained on"


def division_facts(division):
    """What checkpoints say of a Division, JSON-able; None for None."""
    return None if division is None else division.facts()


def division_texts(division):
    """{name: bytes} of what a checkpoint keeps beside its numbers."""
    return {} if division is None else {SPLIT: encoded_division(division)}


def write_division(train_dir, division):
    """Write split.csv, who went where, into the folder of a run; nothing for None."""
    if division is not None:
        files.make_folder(train_dir)
        files.write_text(Path(train_dir) / FILE_NAME, division.csv())


def check_division(config, start, division):
    """Compare a Division with the one that a run began with.

    Args:
        config: TrainConfig.
        start: Start.
        division: Division now, or None.

    Returns:
        list with at most one sentence, where the run goes on all the same.

    Raises:
        InputError: they differ, and the run is to go on as it was.
    """
    if start.stored is None:
        return []
    data, now = start.stored.get("data") or {}, division_facts(division)
    before, prefix = data.get("division"), start.state.prefix
    if _identity(before) == _identity(now):
        return []
    differ = (
        f"{prefix}: the data were divided otherwise: {_in_words(before)}. Now "
        f"{_in_words(now)}"
    )
    if config.io.restart_mode == "default":
        raise InputError(
            f"{differ}. The errors of validation and test would mean something else "
            "from here on. Restore the data with the names of their structures, and "
            "validation_split, test_split and split_seed; or set restart_mode = "
            "continue_from_last_ckpt to go on all the same, force_default to start "
            "anew."
        )
    return [f"{differ}.{_trained_before(prefix, division)}"]


def _identity(facts):
    return None if facts is None else facts["sha256"]


def _in_words(facts):
    if facts is None:
        return ALL_TRAINED
    counts = ", ".join(f"{n} {name}" for name, n in facts["counts"].items())
    return f"{counts} (split_seed = {facts['split_seed']}, {facts['sha256'][:8]})"


def _trained_before(prefix, division):
    """What to say of structures that are held out now and were not before."""
    if division is None:
        return ""
    earlier = decoded_division(read_checkpoint(prefix).split, prefix)
    held = division.counts
    if earlier is not None:
        held = earlier.newly_held_out(division)
    if not held["validation"] + held["test"]:
        return ""
    return (
        f" The networks may have been trained on {held['validation']} structures that "
        f"are in the validation set now, and on {held['test']} of the test set: their "
        "errors are no test."
    )
