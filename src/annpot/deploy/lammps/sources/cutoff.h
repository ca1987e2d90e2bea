// The cutoff function and its slope on all lanes of the processor.
#pragma once

namespace annpot
{

// f_c(r) = (1 + cos(pi r / r_cut)) / 2 and f_c'(r) for 0 <= r < r_cut.
//
// cos(pi x) = sin(y) and sin(pi x) = cos(y) with y = pi (1/2 - x), |y| <= pi / 2, from
// their Taylor series; the first term left out is below 1e-17.
inline void cutoff_functions(const double *r, int n, double r_cut, double *f,
                             double *slope)
{
  constexpr double PI = 3.14159265358979323846;
  for (int k = 0; k < n; ++k) {
    const double y = PI * (0.5 - r[k] / r_cut), z = -y * y;
    double sine = 1.0 / 51090942171709440000.0 * z + 1.0 / 121645100408832000.0;
    sine = sine * z + 1.0 / 355687428096000.0;
    sine = sine * z + 1.0 / 1307674368000.0;
    sine = sine * z + 1.0 / 6227020800.0;
    sine = sine * z + 1.0 / 39916800.0;
    sine = sine * z + 1.0 / 362880.0;
    sine = sine * z + 1.0 / 5040.0;
    sine = sine * z + 1.0 / 120.0;
    sine = sine * z + 1.0 / 6.0;
    sine = (sine * z + 1.0) * y;
    double cosine = 1.0 / 1124000727777607680000.0 * z + 1.0 / 2432902008176640000.0;
    cosine = cosine * z + 1.0 / 6402373705728000.0;
    cosine = cosine * z + 1.0 / 20922789888000.0;
    cosine = cosine * z + 1.0 / 87178291200.0;
    cosine = cosine * z + 1.0 / 479001600.0;
    cosine = cosine * z + 1.0 / 3628800.0;
    cosine = cosine * z + 1.0 / 40320.0;
    cosine = cosine * z + 1.0 / 720.0;
    cosine = cosine * z + 1.0 / 24.0;
    cosine = cosine * z + 0.5;
    cosine = cosine * z + 1.0;
    f[k] = 0.5 + 0.5 * sine;
    slope[k] = -0.5 * PI / r_cut * cosine;
  }
}

}    // namespace annpot
