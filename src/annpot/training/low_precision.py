"""Whether a device gains from matrix products in bfloat16 or float16."""

from pathlib import Path

CPU_FLAGS = ("amx_bf16", "avx512_bf16")  # instructions for products in bfloat16
CAPABILITY = {"bfloat16": (8, 0), "float16": (7, 0)}  # of the first GPU with them
# Measured (doc/training_guide.md, mixed precision).
WITH_XLA = (
    "mixed_precision = bfloat16: this CPU has products in bfloat16, but the program is "
    "compiled with XLA, which does not gain from them. use_xla = False does where "
    "layers have some hundred neurons and batches some hundred atoms; small networks "
    "are faster with mixed_precision = none."
)


def precision_notes(step, devices):
    """Warning where mixed precision gains nothing; a list.

    Args:
        step: StepSettings.
        devices: Devices.
    """
    mixed = step.mixed
    if mixed == "none":
        return []
    if devices.names[0].startswith("CPU"):
        reason = cpu_without(mixed, cpu_flags())
        if reason is None and step.xla:
            return [WITH_XLA]
    else:
        reason = gpu_without(mixed, devices.capability)
    if reason is None:
        return []
    return [
        f"mixed_precision = {mixed} gains no time here: {reason}. Its rounding remains "
        "all the same; mixed_precision = none is as fast or faster."
    ]


def cpu_without(mixed, flags):
    """What a CPU lacks for a type, or None.

    Args:
        mixed: "bfloat16" or "float16".
        flags: names of its instructions; empty where the machine does not tell.
    """
    if mixed == "float16":
        return "the CPU converts float16 to float32 for each product"
    if not flags:
        return "this machine does not tell whether its CPU has products in bfloat16"
    if not set(CPU_FLAGS) & set(flags):
        return f"the CPU has none of {', '.join(CPU_FLAGS)}"
    return None


def gpu_without(mixed, capability):
    """What a GPU lacks for a type, or None.

    Args:
        mixed: "bfloat16" or "float16".
        capability: (major, minor) compute capability, or None where not told.
    """
    needed = ".".join(map(str, CAPABILITY[mixed]))
    if capability is None:
        return f"the GPU does not tell its compute capability; {needed} is needed"
    if tuple(capability) >= CAPABILITY[mixed]:
        return None
    found = ".".join(map(str, capability))
    return f"the GPU has compute capability {found}; {needed} is needed"


def cpu_flags():
    """Names of the CPU's instructions, from Linux' /proc/cpuinfo; () elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ()
    found = [line.partition(":")[2].split() for line in lines if line[:5] == "flags"]
    return tuple(found[0]) if found else ()
