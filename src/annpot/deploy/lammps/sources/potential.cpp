#include "potential.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "cutoff.h"
#include "simd.h"

namespace annpot
{

namespace
{
constexpr int LANES = 8;          // rows of descriptors are padded to a multiple of it
constexpr int MOST_ATOMS = 32;    // of a tile: rows that share a pass over the weights
constexpr int MOST_TRIPLES = 4096;    // whose parts are kept: to fit into the cache
}    // namespace

Potential::Potential(const Model &model) : model_(model), triples_(model.descriptor)
{
  for (const Element &element : model.elements) networks_.emplace_back(element);
  stride_ = (model.descriptor.n_features() + LANES - 1) / LANES * LANES;
  atoms_.resize(MOST_ATOMS);
  g_.resize(MOST_ATOMS * stride_);
  gradient_.resize(MOST_ATOMS * stride_);
  energies_.resize(MOST_ATOMS);
}

void Potential::begin(int element)
{
  element_ = element;
  n_atoms_ = n_triples_ = 0;
  slopes_.clear();
}

bool Potential::is_full() const
{
  return n_atoms_ == MOST_ATOMS || n_triples_ >= MOST_TRIPLES;
}

int Potential::most_neighbors() const
{
  // n (n - 1) / 2 triples with a number for each radial or angular part
  const Descriptor &d = model_.descriptor;
  const double largest = std::numeric_limits<int>::max();
  return static_cast<int>(
      std::sqrt(2.0 * largest / std::max({d.n_eta(), d.n_theta(), 1})));
}

void Potential::add(Neighbors &taken)
{
  Atom &atom = atoms_[n_atoms_];
  Neighbors &neighbors = atom.neighbors;
  std::swap(neighbors, taken);
  atom.slopes = slopes_.size();
  slopes_.resize(slopes_.size() + 3 * neighbors.size());
  double *g = g_.data() + n_atoms_ * stride_;
  std::fill(g, g + stride_, 0.0);
  add_radial(atom, g);
  find_near(atom);
  triples_.add(atom.triples, g);
  n_triples_ += atom.triples.n;
  ++n_atoms_;
}

void Potential::finish()
{
  if (!n_atoms_) return;
  networks_[element_].evaluate(g_.data(), n_atoms_, stride_, energies_.data(),
                               gradient_.data());
  for (int a = 0; a < n_atoms_; ++a) {
    const Atom &atom = atoms_[a];
    const double *gradient = gradient_.data() + a * stride_;
    const int n = atom.neighbors.size();
    if (!n) continue;
    double *x = slopes_.data() + atom.slopes;
    radial_slopes(atom, gradient, x);
    triples_.add_slopes(atom.triples, gradient, x, x + n, x + 2 * n);
  }
}

// Species of the neighbours are runs, so that the block of G is one for each run.
void Potential::add_radial(Atom &atom, double *g) const
{
  const Descriptor &d = model_.descriptor;
  const Neighbors &near = atom.neighbors;
  const int n = near.size(), n_radial = d.n_radial();
  atom.cut.resize(n);
  atom.cut_slope.resize(n);
  cutoff_functions(near.r.data(), n, d.r_cut_radial, atom.cut.data(),
                   atom.cut_slope.data());
  for (int k = 0; k < n; ++k) {
    const bool is_near = near.r[k] < d.r_cut_radial;
    atom.cut[k] = is_near ? d.radial_prefactor * atom.cut[k] : 0.0;
    atom.cut_slope[k] = is_near ? d.radial_prefactor * atom.cut_slope[k] : 0.0;
  }
  atom.radial.resize(std::max<std::size_t>(atom.radial.size(), n * n_radial));
  for (int p = 0; p < n_radial; ++p) {
    double *e = atom.radial.data() + p * n;
    const double eta = d.radial_eta[p], centre = d.radial_centre[p];
    for (int k = 0; k < n; ++k) {
      const double distance = near.r[k] - centre;
      e[k] = exponential(-eta * distance * distance);
    }
    for (int s = 0; s < d.n_species; ++s) {
      double sum = 0.0;
      for (int k = near.first[s]; k < near.first[s + 1]; ++k) sum += atom.cut[k] * e[k];
      g[s * n_radial + p] = sum;
    }
  }
}

// dE/dr = sum_p dE/dG_p e_p (f' - 2 eta_p (r - R_p) f), along the unit vector.
void Potential::radial_slopes(const Atom &atom, const double *gradient,
                              double *slopes) const
{
  const Descriptor &d = model_.descriptor;
  const Neighbors &near = atom.neighbors;
  const int n = near.size(), n_radial = d.n_radial();
  double *by_r = slopes;    // x of the slopes holds dE/dr until the end
  std::fill(by_r, by_r + n, 0.0);
  for (int p = 0; p < n_radial; ++p) {
    const double *e = atom.radial.data() + p * n;
    const double eta = d.radial_eta[p], centre = d.radial_centre[p];
    for (int s = 0; s < d.n_species; ++s) {
      const double h = gradient[s * n_radial + p];
      for (int k = near.first[s]; k < near.first[s + 1]; ++k)
        by_r[k] += h * e[k] *
                   (atom.cut_slope[k] - 2.0 * eta * (near.r[k] - centre) * atom.cut[k]);
    }
  }
  for (int k = 0; k < n; ++k) {
    const double factor = by_r[k] / near.r[k];
    slopes[k] = factor * near.x[k];
    slopes[n + k] = factor * near.y[k];
    slopes[2 * n + k] = factor * near.z[k];
  }
}

void Potential::find_near(Atom &atom) const
{
  const Descriptor &d = model_.descriptor;
  const Neighbors &all = atom.neighbors;
  Triples &t = atom.triples;
  t.neighbor.clear();
  t.first.assign(d.n_species + 1, 0);
  for (int s = 0; s < d.n_species; ++s) {
    for (int k = all.first[s]; k < all.first[s + 1]; ++k)
      if (all.r[k] < d.r_cut_angular) t.neighbor.push_back(k);
    t.first[s + 1] = static_cast<int>(t.neighbor.size());
  }
  const int n = static_cast<int>(t.neighbor.size());
  for (auto *values : {&t.ux, &t.uy, &t.uz, &t.r, &t.f, &t.slope}) values->resize(n);
  for (int a = 0; a < n; ++a) {
    const int k = t.neighbor[a];
    const double inverse = 1.0 / all.r[k];
    t.ux[a] = all.x[k] * inverse;
    t.uy[a] = all.y[k] * inverse;
    t.uz[a] = all.z[k] * inverse;
    t.r[a] = all.r[k];
  }
  cutoff_functions(t.r.data(), n, d.r_cut_angular, t.f.data(), t.slope.data());
}

Extrapolation Potential::extrapolation(int a) const
{
  Extrapolation result;
  const Element &element = model_.elements[element_];
  if (element.lower.empty()) return result;
  const double *g = descriptor(a), *low = element.lower.data(),
               *high = element.upper.data();
  const int n = static_cast<int>(element.lower.size());
  int count = 0;
  for (int k = 0; k < n; ++k) count += (g[k] < low[k]) | (g[k] > high[k]);
  if (!count) return result;
  result.n_components = count;
  for (int k = n; k-- > 0;)
    if (g[k] < low[k] || g[k] > high[k]) result.component = k;
  result.value = g[result.component];
  return result;
}

double Potential::bytes() const
{
  std::size_t n = g_.capacity() + gradient_.capacity() + slopes_.capacity();
  for (const Atom &atom : atoms_) {
    const Triples &t = atom.triples;
    n += 5 * atom.neighbors.x.capacity() + atom.radial.capacity() + 6 * t.ux.capacity();
    n += 4 * t.cosine.capacity() + 2 * t.radial.capacity() + 2 * t.angle.capacity();
  }
  double bytes = 8.0 * static_cast<double>(n);
  for (const Network &network : networks_) bytes += network.bytes();
  return bytes;
}

}    // namespace annpot
