"""Quantum-chemistry labels of the tutorial data (PySCF, wB97X/6-31G(d)).

Everything here is the physics of one molecule: its optimised geometry and normal
modes, one random configuration, the energy and forces of one configuration, and
the energy of an isolated atom. `generate.py` decides what to compute and when.

Units inside this file are PySCF's (hartree, bohr); what leaves it is eV and
angstrom.
"""

import numpy as np
from pyscf import dft, gto
from pyscf.data import nist
from pyscf.hessian import thermo
from scipy.optimize import minimize

FUNCTIONAL = "wb97x"
BASIS = "6-31g*"  # Cartesian d functions, as in the programs that define 6-31G(d)
GRID_LEVEL = 4  # level 3 leaves a net force of 4e-5 Ha/bohr on a molecule
ENERGY_TOLERANCE = 1e-9  # hartree, convergence of the self-consistent field

HARTREE = nist.HARTREE2EV  # eV
BOHR = nist.BOHR  # angstrom
BOLTZMANN = nist.BOLTZMANN / nist.HARTREE2J  # hartree / kelvin

ISOLATED_ATOM_SPIN = {"H": 1, "C": 2, "N": 3, "O": 2}  # unpaired electrons

STARTING_GEOMETRY = {  # angstrom; only a guess for the optimiser
    "H2O": (("O", (0, 0, 0)), ("H", (0.76, 0.59, 0)), ("H", (-0.76, 0.59, 0))),
    "NH3": (
        ("N", (0, 0, 0)),
        ("H", (0.94, 0, 0.38)),
        ("H", (-0.47, 0.814, 0.38)),
        ("H", (-0.47, -0.814, 0.38)),
    ),
    "CH4": (
        ("C", (0, 0, 0)),
        ("H", (0.63, 0.63, 0.63)),
        ("H", (-0.63, -0.63, 0.63)),
        ("H", (-0.63, 0.63, -0.63)),
        ("H", (0.63, -0.63, -0.63)),
    ),
}


def _molecule(symbols, positions_bohr, spin=0):
    return gto.M(
        atom=list(zip(symbols, np.asarray(positions_bohr), strict=True)),
        unit="Bohr", basis=BASIS, cart=True, spin=spin, verbose=0,
    )  # fmt: skip


def _mean_field(molecule, grid_level=GRID_LEVEL):
    kind = dft.RKS if molecule.spin == 0 else dft.UKS
    field = kind(molecule, xc=FUNCTIONAL)
    field.grids.level = grid_level
    field.conv_tol = ENERGY_TOLERANCE
    return field


def equilibrium(name):
    """Optimised geometry, normal modes and force constants of one molecule.

    Returns:
        dict with `symbols`, `positions` (n_atoms, 3) bohr, `modes`
        (n_modes, n_atoms, 3) with unit Cartesian norm and `force_constants`
        (n_modes,) hartree/bohr^2, K = mu omega^2 for modes of that norm.
    """
    symbols = [symbol for symbol, _ in STARTING_GEOMETRY[name]]
    start = np.array([xyz for _, xyz in STARTING_GEOMETRY[name]]) / BOHR

    def energy_and_gradient(flat):
        field = _mean_field(_molecule(symbols, flat.reshape(-1, 3)), grid_level=5)
        energy = field.kernel()
        return energy, field.nuc_grad_method().run(verbose=0).de.ravel()

    found = minimize(energy_and_gradient, start.ravel(), jac=True, method="BFGS",
                     options={"gtol": 3e-6})  # fmt: skip
    positions = found.x.reshape(-1, 3)
    field = _mean_field(_molecule(symbols, positions), grid_level=5).run()
    analysis = thermo.harmonic_analysis(field.mol, field.Hessian().kernel())
    modes = np.asarray(analysis["norm_mode"])
    norm = np.linalg.norm(modes.reshape(len(modes), -1), axis=1)
    return {
        "symbols": symbols,
        "positions": positions.tolist(),
        "modes": (modes / norm[:, None, None]).tolist(),
        "force_constants": np.asarray(analysis["force_const_au"]).tolist(),
        "wavenumbers": np.real(analysis["freq_wavenumber"]).tolist(),
    }


def sampled_configuration(molecule, temperature, rng):
    """One configuration drawn by normal-mode sampling.

    R_i = s_i sqrt(3 c_i N_a k_B T / K_i), x = x_0 + sum_i R_i q_i

    with c uniform on the set {c_i >= 0, sum_i c_i <= 1} and random signs s_i, so
    that the harmonic energy is 3/2 N_a k_B T sum_i c_i.

    Args:
        molecule: what `equilibrium` returned.
        temperature: kelvin.
        rng: numpy Generator, used for this configuration only.

    Returns:
        positions (n_atoms, 3), bohr.

    Source: J. S. Smith, O. Isayev, A. E. Roitberg, Sci. Data 4, 170193 (2017).
    """
    modes = np.asarray(molecule["modes"])
    force_constants = np.asarray(molecule["force_constants"])
    n_modes, n_atoms = modes.shape[:2]
    # The first n coordinates of a flat Dirichlet draw of n + 1 are uniform there.
    fractions = rng.dirichlet(np.ones(n_modes + 1))[:n_modes]
    signs = rng.choice([-1.0, 1.0], size=n_modes)
    thermal = 3 * n_atoms * BOLTZMANN * temperature
    amplitudes = signs * np.sqrt(thermal * fractions / force_constants)  # (n_modes,)
    return np.asarray(molecule["positions"]) + np.einsum("m,max->ax", amplitudes, modes)


def equilibrium_density(molecule):
    """Density matrix at the optimised geometry: the guess for its neighbours."""
    atoms = _molecule(molecule["symbols"], molecule["positions"])
    return _mean_field(atoms).run().make_rdm1()


def label(symbols, positions_bohr, density_guess):
    """Energy (eV) and forces (n_atoms, 3) (eV/angstrom) of one configuration."""
    field = _mean_field(_molecule(symbols, positions_bohr))
    energy = field.kernel(dm0=density_guess)
    if not field.converged:
        where = f"{symbols} at {positions_bohr} bohr"
        raise RuntimeError(f"the self-consistent field does not converge for {where}")
    gradient = field.nuc_grad_method()
    gradient.verbose = 0
    return energy * HARTREE, -gradient.kernel() * HARTREE / BOHR


def isolated_atom_energy(symbol):
    """Energy (eV) of the free atom in its ground-state spin."""
    field = _mean_field(_molecule([symbol], [[0, 0, 0]], ISOLATED_ATOM_SPIN[symbol]), 5)
    energy = field.kernel()
    if not field.converged:
        energy = field.newton().kernel()
    return energy * HARTREE
