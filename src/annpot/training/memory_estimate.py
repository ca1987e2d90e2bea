"""How much memory a run is going to need, told before it starts."""

import os
from contextlib import suppress
from pathlib import Path

PROGRAM_BYTES = 1.1e9  # Python, TensorFlow and XLA with nothing to do; measured
CHUNKS = 3  # one in work, one kept ready, one on its way to the device


def memory_estimate(data, validation, plan, specs):
    """Bytes that a run takes at its peak, the program itself included.

    Args:
        data: RowsData, StoredData or ComputedData of training; has the bytes of what it
            keeps (`kept_bytes`), of what is made for a step (`bytes_per_step`) and of
            what a step works with (`work_bytes`).
        validation: the same of the validation data, or None.
        plan: Plan.
        specs: NetworkSpec of each element.
    """
    step = plan.step
    shapes = [shape for spec in specs for shape in spec.shapes]
    n_weights = sum((n_in + 1) * n_out for n_in, n_out in shapes)
    shape = step.shapes[-1]
    itemsize = 8 if step.precision == "float64" else 4
    return (
        PROGRAM_BYTES
        + data.kept_bytes
        + (0 if validation is None else validation.kept_bytes)
        + CHUNKS * step.chunk_size * step.n_parts * data.bytes_per_step(shape)
        + step.n_devices * data.work_bytes(shape)
        + 8 * n_weights * itemsize
    )


def in_words(n_bytes):
    """A number of bytes as GB with one digit."""
    return f"{n_bytes / 1e9:.1f} GB"


def available_memory(table="/proc/meminfo"):
    """Bytes that a program may take at this moment; all there are outside Linux.

    Args:
        table: what Linux tells, lines as `MemAvailable:  123 kB`.
    """
    with suppress(OSError):
        for line in Path(table).read_text().splitlines():
            name, _, rest = line.partition(":")
            if name == "MemAvailable":
                return 1024.0 * float(rest.split()[0])
    with suppress(AttributeError, OSError, ValueError):
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return float("inf")
