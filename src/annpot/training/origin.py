"""Where a stage of a plan comes from: its seeds, and the network it starts with."""

import hashlib
import secrets
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from annpot.training.order import SEED_LIMIT, Seeds, stage_seed
from annpot.training.saved_state import SavedState


@dataclass(frozen=True, eq=False)
class StageOrigin:
    """What a stage has from the rest of its plan.

    Attributes:
        name: of the stage.
        base_seed: seed of the plan, for first weights and the seed of the stage.
        state: SavedState that gives the stage its weights; None draws first weights.
        prefix: checkpoint that `state` was read from, without suffix; None without.
        keep_optimizer: whether the slots of variables trained in both go on.
        parent: stage that the checkpoint is of; None for the base network.
        sequence: names of the stages that are run one after the other; () for one.
    """

    name: str
    base_seed: int
    state: SavedState | None = None
    prefix: Path | None = None
    keep_optimizer: bool = False
    parent: str | None = None
    sequence: tuple[str, ...] = ()

    def facts(self, stored=None):
        """What the checkpoints of the stage say of it, JSON-able.

        Args:
            stored: the same in its own newest checkpoint, or None: with which network
                it began does not change.
        """
        began = {
            "parent": self.parent,
            "parent_checkpoint": None if self.prefix is None else str(self.prefix),
            "parent_checksum": None if self.state is None else self.state.checksum,
            "parent_weights": None if self.state is None else _digest(self.state),
        }
        if stored is not None:
            began = {key: stored.get(key) for key in began}
        return {
            "name": self.name,
            **began,
            "keep_optimizer": self.keep_optimizer,
            "sequence": list(self.sequence),
        }

    def note_on_parent(self, stored):
        """What to tell when the parent is not the one that the stage began with.

        Args:
            stored: facts of the stage in its own newest checkpoint, or None.

        Returns:
            list with at most one sentence.
        """
        if stored is None or self.state is None:
            return []
        if stored.get("parent_weights") == _digest(self.state):
            return []
        return [
            f"Stage {self.name} began with {stored['parent_checkpoint']}; the network "
            f"of its parent is another one now ({self.prefix}). It goes on from its "
            "own checkpoint all the same; to begin anew, delete its results with "
            f"app_stages clean --stage {self.name}."
        ]


def _digest(state):
    """sha256 of the weights of a SavedState, elements in alphabetical order."""
    digest = hashlib.sha256()
    for element in sorted(state.layers):
        for pair in state.layers[element]:
            for array in pair:
                digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def choose_seeds(config, start, origin=None):
    """Seeds of a run.

    Of a stage: those of its plan. Else the seed of the INI file, that of the
    checkpoint, or a new one.

    Args:
        config: TrainConfig.
        start: Start.
        origin: StageOrigin, None without stages.
    """
    if origin is not None:
        base = origin.base_seed
        return Seeds(base, stage_seed(base, origin.name))
    seed = config.training.seed
    if seed is None and start.state is not None and start.state.run is not None:
        seed = start.state.run["seed"]
    if seed is None:
        seed = secrets.randbelow(SEED_LIMIT)
    return Seeds(seed, seed)
