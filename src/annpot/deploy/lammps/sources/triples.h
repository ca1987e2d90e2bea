// Angular symmetry functions of one atom: forward, then contracted with dE/dG.
//
//   G = F sum_{j<k} x^zeta e f_c(r_ij) f_c(r_ik) [f_c(r_jk)],   F = 2 or 2 pair_weight
//   x = (1 + c cos(theta_s) + sin(theta_s) S) / (1 + sqrt(1 + epsilon sin(theta_s)^2))
//   S = sqrt(1 - c^2 + epsilon sin(theta_s)^2),   c = cosine_scale cos(theta_ijk)
//   mBP: e = exp(-eta ((r_ij + r_ik) / 2 - R)^2)
//   BP:  e = exp(-eta (r_ij^2 + r_ik^2 + r_jk^2)), and the factor in brackets
#pragma once

#include <vector>

#include "model.h"

namespace annpot
{

// Neighbours within the angular cutoff, sorted by species, and the triples of an atom
// with two of them. A triple's place is q; arrays of numbers for each radial part p are
// (n_eta, n), for each angular part t (n, n_theta).
struct Triples {
  // Neighbours.
  std::vector<int> neighbor;                      // number among all neighbours
  std::vector<double> ux, uy, uz, r, f, slope;    // unit vector, length, f_c, f_c'
  std::vector<int> first;                         // of each species, as in Neighbors
  // Triples.
  int n = 0;
  std::vector<int> j, k;
  std::vector<double> cosine, weight, squares;
  std::vector<double> radial,
      radial_slope;    // e, and its slope by the exponent's length
  std::vector<double> angle, angle_slope;    // x^zeta, and its slope by cos(theta_ijk)
};

class TripleFunctions
{
 public:
  explicit TripleFunctions(const Descriptor &descriptor);

  // Lists the triples; neighbours and their cutoff functions are set.
  void list(Triples &triples) const;
  // Adds all triples to the descriptor g.
  void add(Triples &triples, double *g) const;
  // Adds dE/dr of the neighbours to slopes x, y, z (numbered as all neighbours are).
  void add_slopes(const Triples &triples, const double *gradient, double *x, double *y,
                  double *z) const;

 private:
  struct Sums {
    double whole, by_length, by_cosine;
  };
  struct Slopes {
    double r_j, r_k, cosine;
  };

  void radial_parts(Triples &triples) const;
  void angle_parts(Triples &triples) const;
  template <typename Take> void blocks(const Triples &triples, Take take) const;
  template <int NP, int NT>
  Sums sums(const Triples &triples, int q, const double *h) const;
  Slopes slopes(const Triples &triples, int q, double factor, const Sums &sums) const;
  template <int NP, int NT> void contract(const Triples &triples, double *g) const;
  template <int NP, int NT>
  void contract_slopes(const Triples &triples, const double *gradient, double *x,
                       double *y, double *z) const;

  const Descriptor &d_;
  int n_eta_, n_theta_;
  bool equal_zetas_;
  std::vector<int> zeta_digits_;    // integer exponents zeta - 1; empty otherwise
  std::vector<double> cos_, sin_, smoothing_, norm_, zeta_;    // repeated, see REPEATS
  mutable std::vector<double> c_, root_;
};

}    // namespace annpot
