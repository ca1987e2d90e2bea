#include "triples.h"

#include <algorithm>
#include <cmath>

#include "cutoff.h"
#include "simd.h"

namespace annpot
{

namespace
{
constexpr int REPEATS = 64;    // triples whose angular parts are taken together
// S^2 up to which S counts as a kink, where 0 is taken for its slope (collinear atoms).
constexpr double COLLINEAR = 1e-20;
// Above this exponent powers are left to the library.
constexpr double LARGEST_INTEGER = 4096;
}    // namespace

TripleFunctions::TripleFunctions(const Descriptor &descriptor)
    : d_(descriptor), n_eta_(descriptor.n_eta()), n_theta_(descriptor.n_theta())
{
  const auto &zeta = d_.zeta;
  equal_zetas_ =
      std::all_of(zeta.begin(), zeta.end(), [&](double z) { return z == zeta[0]; });
  const bool is_integer =
      n_theta_ && zeta[0] == std::floor(zeta[0]) && zeta[0] < LARGEST_INTEGER;
  if (equal_zetas_ && is_integer)
    for (int rest = static_cast<int>(zeta[0]) - 1; rest > 0; rest /= 2)
      zeta_digits_.push_back(rest % 2);
  for (int q = 0; q < REPEATS; ++q)
    for (int t = 0; t < n_theta_; ++t) {
      const double sine = std::sin(d_.theta[t]), smoothing = d_.epsilon * sine * sine;
      cos_.push_back(std::cos(d_.theta[t]));
      sin_.push_back(sine);
      smoothing_.push_back(smoothing);
      norm_.push_back(1.0 / (1.0 + std::sqrt(1.0 + smoothing)));
      zeta_.push_back(zeta[t]);
    }
  c_.resize(cos_.size());
  root_.resize(cos_.size());
  equal_zetas_ = equal_zetas_ && is_integer;
}

void TripleFunctions::list(Triples &t) const
{
  const int n_near = static_cast<int>(t.r.size()), most = n_near * (n_near - 1) / 2;
  t.n = 0;
  if (!most) return;
  for (auto *values : {&t.cosine, &t.weight, &t.squares})
    if (static_cast<int>(values->size()) < most) values->resize(most);
  if (static_cast<int>(t.j.size()) < most) {
    t.j.resize(most);
    t.k.resize(most);
  }
  const double scale = d_.cosine_scale, rest = 1.0 - scale * scale;
  const double *x = t.ux.data(), *y = t.uy.data(), *z = t.uz.data();
  int q = 0;
  for (int s1 = 0; s1 < d_.n_species; ++s1)
    for (int s2 = s1; s2 < d_.n_species; ++s2) {
      const double factor = s1 == s2 ? 2.0 * d_.pair_weight : 2.0;
      for (int a = t.first[s1]; a < t.first[s1 + 1]; ++a) {
        const int start = s1 == s2 ? a + 1 : t.first[s2], stop = t.first[s2 + 1];
        double *cosine = t.cosine.data() + q - start,
               *squares = t.squares.data() + q - start;
        double *weight = t.weight.data() + q - start;
        int *j = t.j.data() + q - start, *k = t.k.data() + q - start;
        const double ax = x[a], ay = y[a], az = z[a], af = factor * t.f[a];
        for (int b = start; b < stop; ++b) {
          const double c = ax * x[b] + ay * y[b] + az * z[b];
          // The cross product keeps the digits of the sine where 1 - c^2 loses them.
          const double u = ax * y[b] - ay * x[b], v = ay * z[b] - az * y[b];
          const double w = az * x[b] - ax * z[b];
          cosine[b] = c > 1.0 ? 1.0 : c < -1.0 ? -1.0 : c;
          squares[b] = rest + scale * scale * (u * u + v * v + w * w);
          weight[b] = af * t.f[b];
          j[b] = a;
          k[b] = b;
        }
        q += std::max(0, stop - start);
      }
    }
  t.n = q;
}

void TripleFunctions::radial_parts(Triples &t) const
{
  const int n = t.n;
  t.radial.resize(std::max<std::size_t>(t.radial.size(), n * n_eta_));
  t.radial_slope.resize(t.radial.size());
  std::vector<double> &length = root_;    // (r_ij + r_ik) / 2, or the sum of squares
  length.resize(std::max<std::size_t>(length.size(), n));
  for (int q = 0; q < n; ++q) {
    const double r_j = t.r[t.j[q]], r_k = t.r[t.k[q]];
    length[q] = 0.5 * (r_j + r_k);
    if (d_.with_r_jk) {
      const double sum = r_j * r_j + r_k * r_k;
      const double square = std::max(0.0, sum - 2.0 * r_j * r_k * t.cosine[q]);
      double r_jk = std::sqrt(square), f = 0.0, slope = 0.0;
      if (r_jk < d_.r_cut_angular)
        cutoff_functions(&r_jk, 1, d_.r_cut_angular, &f, &slope);
      t.weight[q] *= f;
      length[q] = sum + square;
    }
  }
  for (int p = 0; p < n_eta_; ++p) {
    double *e = t.radial.data() + p * n, *slope = t.radial_slope.data() + p * n;
    const double eta = d_.angular_eta[p], centre = d_.angular_centre[p];
    if (d_.with_r_jk)
      for (int q = 0; q < n; ++q) {
        e[q] = exponential(-eta * length[q]);
        slope[q] = -eta * e[q];
      }
    else
      for (int q = 0; q < n; ++q) {
        const double distance = length[q] - centre;
        e[q] = exponential(-eta * distance * distance);
        slope[q] = -2.0 * eta * distance * e[q];
      }
  }
}

// x^zeta and its slope zeta x^(zeta - 1) dx/d cos(theta_ijk).
void TripleFunctions::angle_parts(Triples &t) const
{
  const int nt = n_theta_;
  t.angle.resize(std::max<std::size_t>(t.angle.size(), t.n * nt));
  t.angle_slope.resize(t.angle.size());
  const double scale = d_.cosine_scale;
  const double *cos = cos_.data(), *sin = sin_.data(), *smoothing = smoothing_.data();
  const double *norm = norm_.data(), *zeta = zeta_.data();
  double *c = c_.data(), *square = root_.data();
  for (int start = 0; start < t.n; start += REPEATS) {
    const int n_here = std::min(REPEATS, t.n - start), n = n_here * nt;
    double *angle = t.angle.data() + start * nt,
           *slope = t.angle_slope.data() + start * nt;
    for (int q = 0; q < n_here; ++q)
      for (int k = 0; k < nt; ++k) {
        c[q * nt + k] = scale * t.cosine[start + q];
        square[q * nt + k] = t.squares[start + q];
      }
    for (int q = 0; q < n; ++q) {
      const double s = square[q] + smoothing[q], root = std::sqrt(s);
      const double x = (1.0 + c[q] * cos[q] + sin[q] * root) * norm[q];
      const double by_c =
          (cos[q] - (s > COLLINEAR ? sin[q] * c[q] / root : 0.0)) * norm[q];
      angle[q] = x > 0.0 ? x : 0.0;
      slope[q] = scale * zeta[q] * by_c;
    }
    if (equal_zetas_) {    // binary powers: x^(zeta - 1), then x^zeta
      double *power = square, *square_of = c;
      for (int q = 0; q < n; ++q) {
        power[q] = 1.0;
        square_of[q] = angle[q];
      }
      for (int digit : zeta_digits_) {
        if (digit)
          for (int q = 0; q < n; ++q) power[q] *= square_of[q];
        for (int q = 0; q < n; ++q) square_of[q] *= square_of[q];
      }
      for (int q = 0; q < n; ++q) {
        slope[q] *= power[q];
        angle[q] *= power[q];
      }
    } else
      for (int q = 0; q < n; ++q) {
        const double x = angle[q],
                     power = x > 0.0 ? std::pow(x, zeta[q] - 1.0) : zeta[q] == 1.0;
        slope[q] *= power;
        angle[q] *= power;
      }
  }
}

template <int NP, int NT>
void TripleFunctions::contract(const Triples &t, double *g) const
{
  const int np = NP ? NP : n_eta_, nt = NT ? NT : n_theta_, n = t.n;
  int start = 0;
  for (int s1 = 0; s1 < d_.n_species; ++s1)
    for (int s2 = s1; s2 < d_.n_species; ++s2) {
      const int n1 = t.first[s1 + 1] - t.first[s1], n2 = t.first[s2 + 1] - t.first[s2];
      const int stop = start + (s1 == s2 ? n1 * (n1 - 1) / 2 : n1 * n2);
      if (stop == start) continue;
      double *out = g + d_.block(s1, s2);
      if constexpr (NP > 0) {
        double sums[NP ? NP : 1][NT ? NT : 1] = {};
        for (int q = start; q < stop; ++q) {
          const double *angle = t.angle.data() + q * NT;
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
            for (int k = 0; k < nt; ++k)
              out[p * nt + k] += factor * t.angle[q * nt + k];
          }
      start = stop;
    }
}

// With H = dE/dG of the triple's block, e and A the radial and angular parts:
//   S = sum_pt H_pt e_p A_t, and S_l, S_c with e_p' or A_t' in the place of e_p, A_t,
//   dE/dr_ij = w' S + w S_l l',   dE/dc = w S_c + ...,   l: length in the exponent of
//   e.
template <int NP, int NT>
void TripleFunctions::contract_slopes(const Triples &t, const double *gradient,
                                      double *x, double *y, double *z) const
{
  const int np = NP ? NP : n_eta_, nt = NT ? NT : n_theta_, n = t.n;
  const int n_near = static_cast<int>(t.r.size());
  if (static_cast<int>(c_.size()) < 3 * n_near) c_.resize(3 * n_near);
  double *const gx = c_.data(), *const gy = gx + n_near, *const gz = gy + n_near;
  std::fill(gx, gx + 3 * n_near, 0.0);
  int start = 0;
  for (int s1 = 0; s1 < d_.n_species; ++s1)
    for (int s2 = s1; s2 < d_.n_species; ++s2) {
      const int n1 = t.first[s1 + 1] - t.first[s1], n2 = t.first[s2 + 1] - t.first[s2];
      const int stop = start + (s1 == s2 ? n1 * (n1 - 1) / 2 : n1 * n2);
      if (stop == start) continue;
      const double factor = s1 == s2 ? 2.0 * d_.pair_weight : 2.0;
      const double *h = gradient + d_.block(s1, s2);
      for (int q = start; q < stop; ++q) {
        const double *angle = t.angle.data() + q * nt,
                     *angle_slope = t.angle_slope.data() + q * nt;
        double sum = 0.0, by_length = 0.0, by_cosine = 0.0;
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
            sum += c[k] * angle[k];
            by_length += d[k] * angle[k];
            by_cosine += c[k] * angle_slope[k];
          }
        } else
          for (int p = 0; p < np; ++p) {
            double b = 0.0, b_slope = 0.0;
            for (int k = 0; k < nt; ++k) {
              b += h[p * nt + k] * angle[k];
              b_slope += h[p * nt + k] * angle_slope[k];
            }
            sum += t.radial[p * n + q] * b;
            by_length += t.radial_slope[p * n + q] * b;
            by_cosine += t.radial[p * n + q] * b_slope;
          }
        const int j = t.j[q], k = t.k[q];
        const double w = t.weight[q], c = t.cosine[q], r_j = t.r[j], r_k = t.r[k];
        double by_j, by_k, by_c = w * by_cosine;
        if (d_.with_r_jk) {
          const double square =
              std::max(0.0, r_j * r_j + r_k * r_k - 2.0 * r_j * r_k * c);
          double r_jk = std::sqrt(square), f = 0.0, slope = 0.0;
          if (r_jk < d_.r_cut_angular)
            cutoff_functions(&r_jk, 1, d_.r_cut_angular, &f, &slope);
          const double both = factor * t.f[j] * t.f[k];
          const double by_r = r_jk > 0.0 ? both * slope / r_jk * sum : 0.0;
          by_j = factor * t.slope[j] * t.f[k] * f * sum + by_r * (r_j - r_k * c) +
                 w * by_length * (4.0 * r_j - 2.0 * r_k * c);
          by_k = factor * t.f[j] * t.slope[k] * f * sum + by_r * (r_k - r_j * c) +
                 w * by_length * (4.0 * r_k - 2.0 * r_j * c);
          by_c -= r_j * r_k * (by_r + 2.0 * w * by_length);
        } else {
          by_j = factor * t.slope[j] * t.f[k] * sum + 0.5 * w * by_length;
          by_k = factor * t.f[j] * t.slope[k] * sum + 0.5 * w * by_length;
        }
        // d cos / d r_j = (u_k - c u_j) / r_j
        const double cj = by_c / r_j, ck = by_c / r_k;
        const double jj = by_j - c * cj, kk = by_k - c * ck;
        gx[j] += jj * t.ux[j] + cj * t.ux[k];
        gy[j] += jj * t.uy[j] + cj * t.uy[k];
        gz[j] += jj * t.uz[j] + cj * t.uz[k];
        gx[k] += kk * t.ux[k] + ck * t.ux[j];
        gy[k] += kk * t.uy[k] + ck * t.uy[j];
        gz[k] += kk * t.uz[k] + ck * t.uz[j];
      }
      start = stop;
    }
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
