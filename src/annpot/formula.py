"""Chemical formulas of compositions."""

from collections import Counter

# Order of elements in compounds without carbon; metals stand before all of these.
_NONMETALS = (
    "B", "Si", "As", "P", "N", "H", "Te", "Se", "S", "O", "I", "Br", "Cl", "F",
)  # fmt: skip


def formula(symbols):
    """Chemical formula of atoms in any order: CH4, NH3, H2O, C2H6O, NaCl.

    With carbon: C, H, then the others by alphabet (Hill). Without: metals by
    alphabet, then nonmetals from the less to the more electronegative, as compounds
    are usually written.

    Args:
        symbols: chemical symbol of each atom.
    """
    counts = Counter(symbols)
    key = _hill if "C" in counts else _inorganic
    return "".join(
        f"{symbol}{counts[symbol] if counts[symbol] > 1 else ''}"
        for symbol in sorted(counts, key=key)
    )


def _hill(symbol):
    return (symbol != "C", symbol != "H", symbol)


def _inorganic(symbol):
    place = _NONMETALS.index(symbol) if symbol in _NONMETALS else -1
    return place, symbol
