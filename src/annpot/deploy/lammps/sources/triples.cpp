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
        double *cosine = t.cosine.data() + q, *squares = t.squares.data() + q;
        double *weight = t.weight.data() + q;
        int *j = t.j.data() + q, *k = t.k.data() + q;
        const double ax = x[a], ay = y[a], az = z[a], af = factor * t.f[a];
        for (int b = start; b < stop; ++b) {
          const double c = ax * x[b] + ay * y[b] + az * z[b];
          // The cross product keeps the digits of the sine where 1 - c^2 loses them.
          const double u = ax * y[b] - ay * x[b], v = ay * z[b] - az * y[b];
          const double w = az * x[b] - ax * z[b];
          const int at = b - start;
          cosine[at] = c > 1.0 ? 1.0 : c < -1.0 ? -1.0 : c;
          squares[at] = rest + scale * scale * (u * u + v * v + w * w);
          weight[at] = af * t.f[b];
          j[at] = a;
          k[at] = b;
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

}    // namespace annpot
