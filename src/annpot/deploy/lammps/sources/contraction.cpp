// Triples contracted with the descriptor on the way there, with dE/dG on the way back.
#include <algorithm>
#include <cmath>

#include "cutoff.h"
#include "triples.h"

namespace annpot
{

// Calls take(first of G, factor of the weight, first triple, one past the last) for
// each pair of species that has triples.
template <typename Take> void TripleFunctions::blocks(const Triples &t, Take take) const
{
  int start = 0;
  for (int s1 = 0; s1 < d_.n_species; ++s1)
    for (int s2 = s1; s2 < d_.n_species; ++s2) {
      const int n1 = t.first[s1 + 1] - t.first[s1], n2 = t.first[s2 + 1] - t.first[s2];
      const int stop = start + (s1 == s2 ? n1 * (n1 - 1) / 2 : n1 * n2);
      if (stop > start)
        take(d_.block(s1, s2), s1 == s2 ? 2.0 * d_.pair_weight : 2.0, start, stop);
      start = stop;
    }
}

template <int NP, int NT>
void TripleFunctions::contract(const Triples &t, double *g) const
{
  const int np = NP ? NP : n_eta_, nt = NT ? NT : n_theta_, n = t.n;
  blocks(t, [&](int block, double, int start, int stop) {
    double *out = g + block;
    if constexpr (NP > 0) {
      double sums[NP ? NP : 1][NT ? NT : 1] = {};
      for (int q = start; q < stop; ++q) {
        const double *angle = &t.angle[q * NT];
        for (int p = 0; p < NP; ++p) {
          const double factor = t.weight[q] * t.radial[p * n + q];
          for (int k = 0; k < NT; ++k) sums[p][k] += factor * angle[k];
        }
      }
      for (int p = 0; p < NP; ++p)
        for (int k = 0; k < NT; ++k) out[p * NT + k] += sums[p][k];
    } else
      for (int q = start; q < stop; ++q)
        for (int p = 0; p < np; ++p) {
          const double factor = t.weight[q] * t.radial[p * n + q];
          for (int k = 0; k < nt; ++k) out[p * nt + k] += factor * t.angle[q * nt + k];
        }
  });
}

// S = sum_pt H_pt e_p A_t with H = dE/dG of the triple's block, e and A the radial and
// angular parts; S_l and S_c with e_p' or A_t' in the place of e_p or A_t.
template <int NP, int NT>
inline TripleFunctions::Sums TripleFunctions::sums(const Triples &t, int q,
                                                   const double *h) const
{
  const int np = NP ? NP : n_eta_, nt = NT ? NT : n_theta_, n = t.n;
  const double *angle = &t.angle[q * nt], *angle_slope = &t.angle_slope[q * nt];
  Sums s = {0.0, 0.0, 0.0};
  if constexpr (NP > 0) {
    double c[NT ? NT : 1] = {}, d[NT ? NT : 1] = {};
    for (int p = 0; p < NP; ++p) {
      const double e = t.radial[p * n + q], e_slope = t.radial_slope[p * n + q];
      for (int k = 0; k < NT; ++k) {
        c[k] += e * h[p * NT + k];
        d[k] += e_slope * h[p * NT + k];
      }
    }
    for (int k = 0; k < NT; ++k) {
      s.whole += c[k] * angle[k];
      s.by_length += d[k] * angle[k];
      s.by_cosine += c[k] * angle_slope[k];
    }
  } else
    for (int p = 0; p < np; ++p) {
      double b = 0.0, b_slope = 0.0;
      for (int k = 0; k < nt; ++k) {
        b += h[p * nt + k] * angle[k];
        b_slope += h[p * nt + k] * angle_slope[k];
      }
      s.whole += t.radial[p * n + q] * b;
      s.by_length += t.radial_slope[p * n + q] * b;
      s.by_cosine += t.radial[p * n + q] * b_slope;
    }
  return s;
}

// dE/dr_ij, dE/dr_ik and dE/dcos(theta_ijk) of a triple with the weight w:
//   mBP: dE/dr_ij = w' S + w S_l / 2,   dE/dc = w S_c
//   BP:  l = r_ij^2 + r_ik^2 + r_jk^2, and r_jk, f_c(r_jk) by the cosine rule.
inline TripleFunctions::Slopes
TripleFunctions::slopes(const Triples &t, int q, double factor, const Sums &s) const
{
  const int j = t.j[q], k = t.k[q];
  const double w = t.weight[q];
  const double w_j = factor * t.slope[j] * t.f[k], w_k = factor * t.f[j] * t.slope[k];
  if (!d_.with_r_jk) {
    const double half = 0.5 * w * s.by_length;
    return {w_j * s.whole + half, w_k * s.whole + half, w * s.by_cosine};
  }
  const double c = t.cosine[q], r_j = t.r[j], r_k = t.r[k];
  const double square = std::max(0.0, r_j * r_j + r_k * r_k - 2.0 * r_j * r_k * c);
  double r_jk = std::sqrt(square), f = 0.0, slope = 0.0;
  if (r_jk < d_.r_cut_angular) cutoff_functions(&r_jk, 1, d_.r_cut_angular, &f, &slope);
  const double both = factor * t.f[j] * t.f[k] * s.whole, by_l = w * s.by_length;
  const double by_r = r_jk > 0.0 ? both * slope / r_jk : 0.0;
  const double both_l = by_r + 2.0 * by_l;    // of r_jk^2 / 2 by l and by f_c(r_jk)
  return {w_j * f * s.whole + 2.0 * by_l * r_j + both_l * (r_j - r_k * c),
          w_k * f * s.whole + 2.0 * by_l * r_k + both_l * (r_k - r_j * c),
          w * s.by_cosine - both_l * r_j * r_k};
}

template <int NP, int NT>
void TripleFunctions::contract_slopes(const Triples &t, const double *gradient,
                                      double *x, double *y, double *z) const
{
  const int n_near = static_cast<int>(t.r.size());
  if (static_cast<int>(c_.size()) < 3 * n_near) c_.resize(3 * n_near);
  double *const gx = c_.data(), *const gy = gx + n_near, *const gz = gy + n_near;
  std::fill(gx, gx + 3 * n_near, 0.0);
  blocks(t, [&](int block, double factor, int start, int stop) {
    const double *h = gradient + block;
    for (int q = start; q < stop; ++q) {
      const Slopes by = slopes(t, q, factor, sums<NP, NT>(t, q, h));
      // d cos / d r_j = (u_k - c u_j) / r_j
      const int j = t.j[q], k = t.k[q];
      const double c = t.cosine[q], cj = by.cosine / t.r[j], ck = by.cosine / t.r[k];
      const double jj = by.r_j - c * cj, kk = by.r_k - c * ck;
      gx[j] += jj * t.ux[j] + cj * t.ux[k];
      gy[j] += jj * t.uy[j] + cj * t.uy[k];
      gz[j] += jj * t.uz[j] + cj * t.uz[k];
      gx[k] += kk * t.ux[k] + ck * t.ux[j];
      gy[k] += kk * t.uy[k] + ck * t.uy[j];
      gz[k] += kk * t.uz[k] + ck * t.uz[j];
    }
  });
  for (int a = 0; a < n_near; ++a) {
    x[t.neighbor[a]] += gx[a];
    y[t.neighbor[a]] += gy[a];
    z[t.neighbor[a]] += gz[a];
  }
}

void TripleFunctions::add(Triples &triples, double *g) const
{
  list(triples);
  radial_parts(triples);
  angle_parts(triples);
  if (n_eta_ == 4 && n_theta_ == 4)
    contract<4, 4>(triples, g);
  else if (n_eta_ == 4 && n_theta_ == 8)
    contract<4, 8>(triples, g);
  else
    contract<0, 0>(triples, g);
}

void TripleFunctions::add_slopes(const Triples &triples, const double *gradient,
                                 double *x, double *y, double *z) const
{
  if (n_eta_ == 4 && n_theta_ == 4)
    contract_slopes<4, 4>(triples, gradient, x, y, z);
  else if (n_eta_ == 4 && n_theta_ == 8)
    contract_slopes<4, 8>(triples, gradient, x, y, z);
  else
    contract_slopes<0, 0>(triples, gradient, x, y, z);
}

}    // namespace annpot
