// Exponentials and powers in a form that compilers put on all lanes of the processor.
#pragma once

#include <cstdint>
#include <cstring>

namespace annpot
{

// exp(x) for x <= 700; values below -708 give exp(-708), about 3e-308.
//
// exp(x) = 2^m exp(y), x = m log 2 + y, |y| <= log(2) / 2, with the Taylor series of
// exp(y): right to one or two units in the last place. Adding 1.5 * 2^52 leaves m in
// the lowest bits of the sum; log 2 is taken in two parts so that m log 2 is exact.
inline double exponential(double x)
{
  x = x < -708.0 ? -708.0 : x;
  const double shifted = x * 1.4426950408889634 + 6755399441055744.0;
  const double m = shifted - 6755399441055744.0;
  const double y = (x - m * 0.6931471803691238) - m * 1.9082149292705877e-10;
  double series = 1.0 / 6227020800.0 * y + 1.0 / 479001600.0;
  series = series * y + 1.0 / 39916800.0;
  series = series * y + 1.0 / 3628800.0;
  series = series * y + 1.0 / 362880.0;
  series = series * y + 1.0 / 40320.0;
  series = series * y + 1.0 / 5040.0;
  series = series * y + 1.0 / 720.0;
  series = series * y + 1.0 / 120.0;
  series = series * y + 1.0 / 24.0;
  series = series * y + 1.0 / 6.0;
  series = series * y + 0.5;
  series = series * y + 1.0;
  series = series * y + 1.0;
  std::int64_t bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  bits = static_cast<std::int64_t>(static_cast<std::uint64_t>(bits + 1023) << 52);
  double power;
  std::memcpy(&power, &bits, sizeof power);
  return series * power;
}

inline void exponentials(double *values, int n)
{
  for (int k = 0; k < n; ++k) values[k] = exponential(values[k]);
}

}    // namespace annpot
