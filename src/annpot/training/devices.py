"""The devices of this machine, and those that a run takes."""

import functools
import os
import platform
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from annpot.errors import InputError
from annpot.tensorflow_import import gpu_numbers, import_tensorflow

ON_ONE_DEVICE = ("lbfgs", "kalman", "gauss_newton")
KEY = "IO_INFORMATION", "accelerator"
SAME = ("names", "models")  # facts that bitwise equality rests on
NOT_EXACT = (
    "deterministic = False: operations may add in another order each time, so that a "
    "resumed run is not bit for bit the uninterrupted one any more."
)


@dataclass(frozen=True)
class Devices:
    """What a run computes on.

    Attributes:
        names: TensorFlow's names of the devices taken, as CPU:0 or GPU:1.
        models: their makes, as far as the machine tells.
        described: what was found and what is taken, for the screen.
        deterministic: whether operations give the same bits each time.
        capability: compute capability (major, minor) of the first GPU taken, if told.
    """

    names: tuple[str, ...]
    models: tuple[str, ...]
    described: str
    deterministic: bool
    capability: tuple[int, int] | None = None

    @property
    def strategy(self):
        """tf.distribute.MirroredStrategy over several devices; None for one."""
        return _mirrored(self.names) if len(self.names) > 1 else None

    def notes(self, stored):
        """What to tell the user; a list.

        Args:
            stored: facts of an earlier part of the run, or None.
        """
        notes = [] if self.deterministic else [NOT_EXACT]
        before = (stored or {}).get("devices")
        now = self.facts()
        if before and [before[key] for key in SAME] != [now[key] for key in SAME]:
            notes.append(
                f"The run computed on {_in_words(before)} before and goes on with "
                f"{_in_words(now)}: its last bits may differ from those of a run on "
                "the same devices throughout."
            )
        return notes

    def scope(self):
        """Context in which variables are made: one copy on each device."""
        return nullcontext() if self.strategy is None else self.strategy.scope()

    def facts(self):
        """What a checkpoint says about them."""
        return {
            "names": list(self.names),
            "models": list(self.models),
            "deterministic": self.deterministic,
        }


def take_devices(config):
    """Devices of a TrainConfig; TensorFlow is set up for them.

    With a CPU all of TensorFlow's CPU devices are taken. There is one, unless whoever
    started TensorFlow cut it into several logical ones, as tests do.

    Raises:
        InputError: a GPU that is not there, or that TensorFlow was started without;
            fewer structures in a batch than devices; several for a method that
            computes on one.
    """
    tf = import_tensorflow()
    gpus = tf.config.list_physical_devices("GPU")
    accelerator = config.io.accelerator
    wanted = gpu_numbers(accelerator, len(gpus))
    missing = [number for number in wanted if number >= len(gpus)]
    taken = () if missing else _shown(config, tf, gpus, wanted)
    models = [_model(tf, gpu) for gpu in gpus]
    n_cpus = len(tf.config.list_logical_devices("CPU"))  # TensorFlow starts here
    found = found_in_words(n_cpus, _n_cores(), models)
    if missing:
        raise _absent(config, missing, found)
    names = [f"GPU:{n}" for n in range(len(taken))]
    names = names or [f"CPU:{n}" for n in range(n_cpus)]
    _require_share(config, len(names))
    if config.io.deterministic:
        tf.config.experimental.enable_op_determinism()
    # Its 10 bits of mantissa are too few for forces.
    tf.config.experimental.enable_tensor_float_32_execution(False)
    return Devices(
        names=tuple(names),
        models=tuple(models[n] for n in taken) or (_processor(),),
        described=f"found {found}: {taken_in_words(accelerator, taken, len(gpus))}",
        deterministic=config.io.deterministic,
        capability=_capability(tf, gpus[taken[0]]) if taken else None,
    )


def found_in_words(n_cpus, n_cores, models):
    """What a machine has, as "1 CPU (8 cores), GPU 0 (NVIDIA H200)".

    Args:
        n_cpus: devices that TensorFlow makes of the CPU, usually one.
        n_cores: cores that this process may use.
        models: make of each GPU.
    """
    cores = f"{n_cores} core{'s' if n_cores > 1 else ''}"
    cpus = "1 CPU" if n_cpus == 1 else f"{n_cpus} logical CPUs"
    gpus = [f"GPU {number} ({model})" for number, model in enumerate(models)]
    return ", ".join([f"{cpus} ({cores})", *(gpus or ["no GPU"])])


def taken_in_words(accelerator, taken, n_gpus):
    """What is taken and why, as "GPU 0; accelerator = gpu:0,1 takes several".

    Args:
        accelerator: the choice of the INI file.
        taken: numbers of the GPUs that are taken.
        n_gpus: number of GPUs found.
    """
    if taken:
        named = "GPU " + " and ".join(map(str, taken))
        all_of_them = ",".join(map(str, range(n_gpus)))
        more = f"; accelerator = gpu:{all_of_them} takes all"
        return named + (more if accelerator == "auto" and n_gpus > 1 else "")
    if accelerator == "auto" and n_gpus:
        return "the CPU, as TensorFlow was started without a GPU"
    return "the CPU, as asked" if accelerator == "cpu" else "the CPU"


def _in_words(facts):
    """Devices of a checkpoint, as "CPU:0 (Intel Xeon)"."""
    models = dict.fromkeys(facts["models"])
    return f"{', '.join(facts['names'])} ({', '.join(models)})"


def _absent(config, numbers, found):
    named = " and no ".join(f"GPU {number}" for number in numbers)
    return InputError(
        f"{config.source.where(*KEY)}: accelerator = {config.io.accelerator}: there is "
        f"no {named}; found {found}. Name GPUs that are there, or set accelerator = "
        "auto."
    )


def _shown(config, tf, gpus, wanted):
    """The wanted GPUs, once the process sees them and no other."""
    visible = tf.config.get_visible_devices("GPU")
    try:
        if visible != (chosen := [gpus[number] for number in wanted]):
            tf.config.set_visible_devices(chosen, "GPU")
    except RuntimeError as error:  # TensorFlow runs already
        if config.io.accelerator == "auto":
            return tuple(gpus.index(gpu) for gpu in visible[:1])
        raise InputError(
            f"{config.source.where(*KEY)}: accelerator = {config.io.accelerator}, but "
            "TensorFlow was started in this process for other devices. Start a new "
            "process, or set accelerator = auto."
        ) from error
    return wanted


def _require_share(config, n_devices):
    optimizer = config.training.optimizer
    if optimizer in ON_ONE_DEVICE and n_devices > 1:
        where = config.source.where(*KEY)
        raise InputError(
            f"{where}: optimizer = {optimizer} computes on one device, not on "
            f"{n_devices}. Set accelerator = gpu:0 or cpu, or choose another optimizer."
        )
    if config.training.mixed_precision == "float16" and n_devices > 1:
        where = config.source.where("TRAINING_PARAMETERS", "mixed_precision")
        raise InputError(
            f"{where}: mixed_precision = float16 computes on one device, not on "
            f"{n_devices}. Use bfloat16, or set accelerator = gpu:0 or cpu."
        )
    if config.training.batch_size < n_devices:
        where = config.source.where("TRAINING_PARAMETERS", "batch_size")
        raise InputError(
            f"{where}: batch_size = {config.training.batch_size}: expected at least "
            f"one structure for each of {n_devices} devices. Raise batch_size, or name "
            "fewer GPUs in accelerator."
        )


@functools.lru_cache
def _mirrored(names):
    return import_tensorflow().distribute.MirroredStrategy(list(names))


def _model(tf, gpu):
    details = tf.config.experimental.get_device_details(gpu)
    return details.get("device_name", "unknown make")


def _capability(tf, gpu):
    details = tf.config.experimental.get_device_details(gpu)
    return details.get("compute_capability")


def _n_cores():
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor():
    """Make of the CPU; on Linux from /proc/cpuinfo."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    return next(iter(named), platform.processor() or platform.machine())
