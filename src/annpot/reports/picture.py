"""How every picture looks, and how it gets onto the disk.

matplotlib is imported when the first one is drawn.
"""

from contextlib import contextmanager
from pathlib import Path

from annpot import files
from annpot.errors import InputError

MEV = 1000.0  # meV in one eV
# Okabe and Ito's palette: told apart with every kind of colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9")
FORMATS = (".png", ".svg", ".pdf")
GREY = "#777777"
NARROW = 20.0  # ratio of the ends of an axis up to which it has more numbers
_STYLE = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.titlesize": 9,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "savefig.dpi": 200,
}


def finish_curve(axes, x_label, y_label):
    """Logarithmic axis with plain numbers, labels and legend."""
    from matplotlib.ticker import LogLocator, NullLocator

    axes.set_yscale("log")
    low, high = axes.get_ylim()
    few = (1, 2, 5) if high > NARROW * low else (1, 1.5, 2, 3, 4, 5, 7)
    axes.yaxis.set_major_locator(LogLocator(subs=few))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.grid(axis="y", lw=0.4, color="#dddddd")
    axes.legend()


@contextmanager
def picture(path, size):
    """Context whose value is a Figure that is saved to `path` at the end.

    Args:
        path: the name's ending chooses the format, PNG without one.
        size: (width, height), inches.

    Raises:
        InputError: an ending that is none of `FORMATS`, or the file cannot be written.
    """
    ending = Path(path).suffix or ".png"
    if ending.lower() not in FORMATS:
        raise InputError(
            f"{path}: pictures end with {', '.join(FORMATS)}, not with {ending}. "
            "Choose one of these."
        )
    import matplotlib
    from matplotlib.figure import Figure

    # A Figure of its own, not of pyplot: no window system, no global state.
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=size, layout="constrained")
        yield figure
        with files.atomic_path(path) as temporary:
            figure.savefig(temporary, format=ending[1:].lower())
