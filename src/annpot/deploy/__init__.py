"""Networks taken where molecular dynamics runs: LAMMPS, ASE, OpenKIM."""
