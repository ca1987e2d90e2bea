"""PANNA's LAMMPS export, `panna.in` with `weights_X.dat`, written and read.

Its layouts: `annpot.deploy.panna.layouts`; its limits: `annpot.deploy.panna.limits`.
"""

from dataclasses import dataclass
from pathlib import Path

from annpot.deploy.panna.layouts import OF_GVERSION, layout_lines, layout_settings
from annpot.deploy.panna.limits import COMPUTED, require_layout_holds
from annpot.deploy.panna.text import DESCRIPTOR, read_plugin_text
from annpot.deploy.panna.weights import read_weights, weights_bytes
from annpot.descriptors.definition import DescriptorSettings
from annpot.elements import is_element
from annpot.errors import InputError
from annpot.networks.architecture import LayerSpec, LayerWeights, NetworkSpec

FILE_NAME = "panna.in"
NETWORK_KEYS = ("Nlayers", "sizes", "file", "activations")


@dataclass(frozen=True, eq=False)
class PluginModel:
    """A potential as PANNA's LAMMPS export holds it.

    Attributes:
        path: of the file `panna.in`.
        settings: DescriptorSettings.
        specs: NetworkSpec of each element; offsets are 0, they are in the biases.
        weights: {element: (LayerWeights, ...)}, float32.
        mbp_generation: as the file or the caller states it; None where nobody does:
            `settings` are then those of the programs that read this layout.
        gversion: 0 or 1, the layout.
    """

    path: Path
    settings: DescriptorSettings
    specs: tuple[NetworkSpec, ...]
    weights: dict[str, tuple[LayerWeights, ...]]
    mbp_generation: int | None
    gversion: int


def plugin_files(
    settings, specs, weights, generation, gversion, name=FILE_NAME, form=None
):
    """The files of an export, not written yet, and what float32 takes away.

    Args:
        settings: DescriptorSettings.
        specs: NetworkSpec of each element.
        weights: {element: (LayerWeights, ...)}.
        generation: of mBP.
        gversion: 0 or 1, the layout.
        name: of the file that PANNA calls panna.in.
        form: what it is written for, for messages.

    Returns:
        {file name: bytes}, and a RoundingLoss of each element.

    Raises:
        InputError: the layout cannot hold them; see `require_layout_holds`.
    """
    require_layout_holds(settings, specs, generation, gversion, form)
    lines = ["!gversion = 1"] if gversion == 1 else []
    lines += [f"# mbp_generation = {generation}", *layout_lines(settings, gversion)]
    files, losses = {name: b""}, []
    for spec in specs:
        file = f"weights_{spec.element}.dat"
        files[file], loss = weights_bytes(spec, weights[spec.element])
        losses.append(loss)
        lines += [
            "",
            f"[{spec.element}]",
            f"Nlayers = {len(spec.layers)}",
            f"sizes = {','.join(str(layer.size) for layer in spec.layers)}",
            f"file = {file}",
            f"activations = {','.join(str(one.activation) for one in spec.layers)}",
        ]
    files[name] = ("\n".join(lines) + "\n").encode()
    return files, tuple(losses)


def is_plugin(path, name=FILE_NAME):
    """Whether a path is such a file or a folder that holds one."""
    path = Path(path)
    return path.is_file() or (path / name).is_file()


def read_plugin(path, generation=None, name=FILE_NAME):
    """PluginModel of an export of annpot or of another program, in any order of keys.

    Args:
        path: the file, or the folder that holds it.
        generation: of mBP, as the caller states it; None for what the file says.
        name: of the file in a folder.

    Raises:
        InputError: a file is missing, damaged or holds what no layout knows; the file
            states another generation.
    """
    path = Path(path)
    path = path / name if path.is_dir() else path
    told = read_plugin_text(path)
    if None not in (generation, told.generation) and generation != told.generation:
        raise InputError(
            f"{path}: states mbp_generation = {told.generation}, but {generation} is "
            "asked for: expected the same. Remove the other one."
        )
    stated = told.generation if generation is None else generation
    species = _species(told)
    used = OF_GVERSION[told.gversion] if stated is None else stated
    settings = layout_settings(told, species, used)
    files = {symbol: _network(told, symbol) for symbol in species}
    told.raise_if_wrong()
    specs = tuple(
        NetworkSpec(symbol, settings.n_features, layers)
        for symbol, (layers, _) in files.items()
    )
    weights = {
        spec.element: read_weights(path.parent / files[spec.element][1], spec.shapes)
        for spec in specs
    }
    return PluginModel(path, settings, specs, weights, stated, told.gversion)


def _species(told):
    """Symbols of the file; sections must be theirs."""
    if DESCRIPTOR not in told.sections:
        told.wrong(0, f"has no section [{DESCRIPTOR}]: expected panna.in of an export.")
        told.raise_if_wrong()
    text = told.word(DESCRIPTOR, "species", "")
    symbols = tuple(symbol.strip() for symbol in text.split(","))
    line = told.sections[DESCRIPTOR].get("species", (None, 0))[1]
    if not all(map(is_element, symbols)) or len(set(symbols)) != len(symbols):
        told.wrong(
            line,
            f"[{DESCRIPTOR}] species = {text}: expected a comma list of different "
            "chemical symbols.",
        )
        told.raise_if_wrong()
    n = told.count(DESCRIPTOR, "Nspecies")
    if n != len(symbols):
        told.wrong(
            line,
            f"[{DESCRIPTOR}] species = {text}: {len(symbols)} elements, but Nspecies = "
            f"{n}: expected as many.",
        )
    for section, line in told.lines.items():
        if section == "LONG_RANGE":
            told.wrong(line, "[LONG_RANGE]: electrostatics are not available.")
        elif section not in (DESCRIPTOR, *symbols):
            told.wrong(line, f"unknown section [{section}]: expected {text}.")
    for symbol in symbols:
        if symbol not in told.sections:
            told.wrong(0, f"has no section [{symbol}], though species has {symbol}.")
    told.raise_if_wrong()
    return symbols


def _network(told, symbol):
    """(layers, name of the weights file) of an element."""
    told.know_only(symbol, NETWORK_KEYS)
    n, sizes = told.count(symbol, "Nlayers"), told.counts(symbol, "sizes")
    usual = ",".join(["1"] * (len(sizes) - 1) + ["0"])
    text = told.word(symbol, "activations", usual)
    line = told.lines[symbol]
    numbers = [one.strip() for one in text.split(",")]
    if not n == len(sizes) == len(numbers):
        told.wrong(
            line,
            f"[{symbol}] Nlayers = {n}, {len(sizes)} sizes, {len(numbers)} activations"
            ": expected as many of each.",
        )
    if sizes[-1] != 1:
        told.wrong(line, f"[{symbol}] last of sizes is {sizes[-1]}: expected 1, the "
                         "energy of an atom.")  # fmt: skip
    known = {str(one) for one in COMPUTED[1]}
    if not set(numbers) <= known:
        told.wrong(
            line,
            f"[{symbol}] activations = {text}: expected numbers among "
            f"{', '.join(sorted(known))}.",
        )
        numbers = ["0"] * len(sizes)
    layers = tuple(map(LayerSpec, sizes, map(int, numbers)))
    return layers, told.word(symbol, "file")
