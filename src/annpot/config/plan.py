"""A training in stages, as its INI file says it."""

from dataclasses import dataclass
from difflib import get_close_matches

from annpot.config.interpolation import escaped
from annpot.config.schema.stage import HEADER
from annpot.config.schema.train import TrainConfig
from annpot.errors import InputError

SEED = ("TRAINING_PARAMETERS", "seed")
UNSET = "not set"


@dataclass(frozen=True)
class StageConfig:
    """One stage of a training.

    Attributes:
        name: also the name of its folder.
        parent: stage whose network it starts from; None for the base network.
        parent_network: `final` or `best` of the parent.
        parent_weights: `averaged` or `trained` weights of the parent.
        keep_optimizer: whether it carries over the parent's optimizer slots.
        config: TrainConfig of the stage; its train_dir is that of the base with
            `stages/NAME` added.
        changes: (setting, base text, stage text) of what differs from the base.
        overrides: (setting, text) of all that the stage gives, differing or not.
    """

    name: str
    parent: str | None
    parent_network: str
    parent_weights: str
    keep_optimizer: bool
    config: TrainConfig
    changes: tuple[tuple[str, str, str], ...]
    overrides: tuple[tuple[str, str], ...]

    def text(self):
        """The stage as a section of an INI file."""
        lines = [f"[{HEADER}{self.name}]"]
        if self.parent is not None:
            lines.append(f"parent = {self.parent}")
        if self.parent_network != "final":
            lines.append(f"parent_network = {self.parent_network}")
        if self.parent_weights != "averaged":
            lines.append(f"parent_weights = {self.parent_weights}")
        if self.keep_optimizer:
            lines.append("keep_optimizer = True")
        lines += [f"{setting} = {escaped(text)}" for setting, text in self.overrides]
        return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class TrainPlan:
    """What app_train is asked to do, in one run or in stages.

    Attributes:
        base: TrainConfig of everything outside the sections [STAGE:name].
        stages: {name: StageConfig}, in the order of the file; {} without stages.
        sequence: names of the stages that run one after the other.
        stored: names of the stages that the file lacks and the stored plan has.
    """

    base: TrainConfig
    stages: dict[str, StageConfig]
    sequence: tuple[str, ...]
    stored: tuple[str, ...] = ()

    def chosen(self, stage=None):
        """StageConfigs to run, in order.

        Args:
            stage: name of the one stage to run, from --stage.

        Returns:
            tuple: the named one; without a name the sequence, without a sequence the
            first stage; () for a file without stages.

        Raises:
            InputError: no stage has this name.
        """
        if stage is not None:
            return (self._named(stage),)
        first = tuple(self.stages)[:1]
        return tuple(self.stages[name] for name in self.sequence or first)

    @property
    def notices(self):
        """What there is to tell of the base and of all stages, each once."""
        sources = (self.base, *(stage.config for stage in self.stages.values()))
        return tuple(
            dict.fromkeys(note for one in sources for note in one.source.notices)
        )

    def text(self, seed):
        """INI text of the plan; reading it gives an equal plan but for the seed.

        Args:
            seed: the seed of the run, written as [TRAINING_PARAMETERS] seed; None
                writes that of the file, which may be unset.
        """
        values = {} if seed is None else {SEED: seed}
        parts = [self.base.source.plan_text(values)]
        return "\n".join([*parts, *(stage.text() for stage in self.stages.values())])

    def _named(self, name):
        if name in self.stages:
            return self.stages[name]
        where = self.base.source.path
        if not self.stages:
            raise InputError(
                f"{where}: there is no stage {name!r}, as the file has no section "
                "[STAGE:name]. Add one, or leave --stage out."
            )
        close = get_close_matches(name, self.stages, n=1)
        hint = f"Did you mean {close[0]}? " if close else ""
        raise InputError(
            f"{where}: there is no stage {name!r}. {hint}Stages: "
            f"{', '.join(self.stages)}."
        )
