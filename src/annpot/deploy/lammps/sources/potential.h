// Energies of atoms and their slopes by the positions of neighbours, in reverse mode.
//
// Atoms of one element are taken together (a tile): first the descriptors of all of
// them, then their networks and the gradient dE/dG, then one pass over the pairs and
// triples of each atom that contracts dE/dG with the slopes of the symmetry functions.
// What the first pass knows of pairs and triples (exponentials, powers, their slopes)
// is kept for the last one. No derivative of a descriptor is ever stored.
#pragma once

#include <cstddef>
#include <vector>

#include "model.h"
#include "network.h"
#include "triples.h"

namespace annpot
{

// Neighbours of one atom, sorted by species; those of species s are
// first[s] <= k < first[s + 1].
struct Neighbors {
  std::vector<double> x, y, z, r;    // vector to the neighbour and its length, angstrom
  std::vector<int> index;            // the caller's number of the neighbour
  std::vector<int> first;
  int size() const { return static_cast<int>(index.size()); }
};

// Out of range: how many components of an atom, and which of them first.
struct Extrapolation {
  int n_components = 0, component = -1;
  double value = 0.0;
};

class Potential
{
 public:
  explicit Potential(const Model &model);    // keeps a reference to the model
  Potential(const Potential &) = delete;

  // Starts a tile of atoms of one element.
  void begin(int element);
  // Adds an atom; neighbours beyond the cutoff must not be there. They are taken, and
  // others of no meaning are left in their place, so that no memory is copied.
  void add(Neighbors &neighbors);
  bool is_full() const;
  // Neighbours that an atom may have, so that numbers of triples stay integers.
  int most_neighbors() const;
  int n_atoms() const { return n_atoms_; }
  // Networks and slopes of all atoms that were added.
  void finish();

  // Results of atom a of the tile, in the order of adding.
  double energy(int a) const { return energies_[a]; }    // eV, offset included
  const double *descriptor(int a) const { return g_.data() + a * stride_; }
  Extrapolation extrapolation(int a) const;
  // dE/dr of each neighbour, eV/angstrom, in the order of `Neighbors`.
  const double *slope_x(int a) const { return slopes_.data() + atoms_[a].slopes; }
  const double *slope_y(int a) const { return slope_x(a) + atoms_[a].neighbors.size(); }
  const double *slope_z(int a) const { return slope_y(a) + atoms_[a].neighbors.size(); }
  const Neighbors &neighbors(int a) const { return atoms_[a].neighbors; }

  double bytes() const;    // of all working arrays

 private:
  struct Atom {
    Neighbors neighbors;
    std::vector<double> radial;    // exponentials (n_radial, n_neighbors)
    std::vector<double> cut, cut_slope;
    Triples triples;
    std::size_t slopes;    // where its slopes begin
  };

  void find_near(Atom &atom) const;
  void add_radial(Atom &atom, double *g) const;
  void radial_slopes(const Atom &atom, const double *gradient, double *slopes) const;

  const Model &model_;
  std::vector<Network> networks_;
  TripleFunctions triples_;
  int element_ = 0, stride_;
  int n_triples_ = 0;
  std::vector<Atom> atoms_;    // the first n_atoms_ of them are the tile
  int n_atoms_ = 0;
  std::vector<double> g_, gradient_, energies_, slopes_;
};

}    // namespace annpot
