#include "network.h"

#include <cmath>

#include "simd.h"

namespace annpot
{

namespace
{
constexpr int PADDING = 8;    // columns are padded to a multiple of it
// Numbers in a register; rows and vectors of columns whose sums fit into all registers.
#if defined(__AVX512F__)
constexpr int LANES = 8, ROWS = 8, WIDTH = 2;
#elif defined(__AVX__)
constexpr int LANES = 4, ROWS = 4, WIDTH = 2;
#else
constexpr int LANES = 2, ROWS = 4, WIDTH = 2;
#endif
typedef double Vector __attribute__((vector_size(8 * LANES), aligned(8), may_alias));

// c (n_rows, n_columns) += a (n_rows, n) b (n, n_columns), n_columns a multiple of
// LANES. Columns of c may stay as they are where `wanted`, laid out as c, is zero in
// all rows.
struct Product {
  const double *a;
  int a_stride;
  const double *b;
  int b_stride;
  double *c;
  int c_stride;
  int n_rows, n, n_columns;
  const double *wanted;
};

int padded(int n) { return (n + PADDING - 1) / PADDING * PADDING; }

// N_ROWS rows and N vectors of columns of c += a b, sums kept in registers; of the sum
// over k only the n terms of `kept`.
template <int N_ROWS, int N>
inline void block(const double *a, int a_stride, const double *b, int b_stride,
                  double *c, int c_stride, const int *kept, int n)
{
  Vector sums[N_ROWS][N];
  for (int r = 0; r < N_ROWS; ++r)
    for (int v = 0; v < N; ++v)
      sums[r][v] = *reinterpret_cast<const Vector *>(c + r * c_stride + v * LANES);
  for (int at = 0; at < n; ++at) {
    const int k = kept[at];
    Vector row[N];
    for (int v = 0; v < N; ++v)
      row[v] = *reinterpret_cast<const Vector *>(b + k * b_stride + v * LANES);
    for (int r = 0; r < N_ROWS; ++r) {
      const double factor = a[r * a_stride + k];
      for (int v = 0; v < N; ++v) sums[r][v] += factor * row[v];
    }
  }
  for (int r = 0; r < N_ROWS; ++r)
    for (int v = 0; v < N; ++v)
      *reinterpret_cast<Vector *>(c + r * c_stride + v * LANES) = sums[r][v];
}

// Numbers of the columns of (rows, n) values that are not zero in all rows.
template <int N_ROWS>
int nonzero_columns(const double *values, int stride, int n, int *columns)
{
  int found = 0;
  for (int k = 0; k < n; ++k) {
    bool is_used = false;
    for (int r = 0; r < N_ROWS; ++r) is_used |= values[r * stride + k] != 0.0;
    columns[found] = k;
    found += is_used;
  }
  return found;
}

// Whether LANES columns are wanted: all of them where nothing says which.
inline bool is_wanted(const double *wanted, int stride, int column, int n_rows)
{
  if (!wanted) return true;
  for (int r = 0; r < n_rows; ++r)
    for (int k = 0; k < LANES; ++k)
      if (wanted[r * stride + column + k] != 0.0) return true;
  return false;
}

template <int N_ROWS> void rows(const Product &p, int row, std::vector<int> &columns)
{
  const double *a = p.a + row * p.a_stride;
  const double *wanted = p.wanted ? p.wanted + row * p.c_stride : nullptr;
  double *c = p.c + row * p.c_stride;
  const int *kept = columns.data(),
            n = nonzero_columns<N_ROWS>(a, p.a_stride, p.n, columns.data());
  for (int start = 0; start < p.n_columns;) {
    int width = 0;    // vectors side by side that are wanted, at most WIDTH
    while (width < WIDTH && start + width * LANES < p.n_columns &&
           is_wanted(wanted, p.c_stride, start + width * LANES, N_ROWS))
      ++width;
    const double *b = p.b + start;
    if (width == WIDTH)
      block<N_ROWS, WIDTH>(a, p.a_stride, b, p.b_stride, c + start, p.c_stride, kept,
                           n);
    else if (width)
      block<N_ROWS, 1>(a, p.a_stride, b, p.b_stride, c + start, p.c_stride, kept, n);
    start += LANES * (width == WIDTH ? WIDTH : 1);
  }
}

// Descriptors have zeros where species are missing around an atom: products with them
// are left out, for some atoms at a time.
void add_product(const Product &p)
{
  std::vector<int> columns(p.n);
  int r = 0;
  for (; r + ROWS <= p.n_rows; r += ROWS) rows<ROWS>(p, r, columns);
  for (; r + 2 <= p.n_rows; r += 2) rows<2>(p, r, columns);
  for (; r < p.n_rows; ++r) rows<1>(p, r, columns);
}

// Replaces sums of a layer by its output, and fills the slopes dy/dx.
void activate(Layer::Activation activation, double *y, double *slope, int n)
{
  switch (activation) {
  case Layer::Linear:
    for (int k = 0; k < n; ++k) slope[k] = 1.0;
    break;
  case Layer::Gaussian:
    for (int k = 0; k < n; ++k) {
      const double x = y[k];
      y[k] = exponential(-x * x);
      slope[k] = -2.0 * x * y[k];
    }
    break;
  case Layer::Rectified:
    for (int k = 0; k < n; ++k) {
      slope[k] = y[k] > 0.0 ? 1.0 : 0.0;
      y[k] = y[k] > 0.0 ? y[k] : 0.0;
    }
    break;
  case Layer::Tanh:
    for (int k = 0; k < n; ++k) {
      // tanh|x| = (1 - e) / (1 + e) with e = exp(-2|x|)
      const double x = y[k], e = exponential(-2.0 * std::fabs(x));
      const double value = (1.0 - e) / (1.0 + e);
      y[k] = x < 0.0 ? -value : value;
      slope[k] = 1.0 - value * value;
    }
    break;
  case Layer::RadialBasis:    // y is |x - w|^2 here; the slope is taken in `backward`
    for (int k = 0; k < n; ++k) {
      y[k] = exponential(y[k] > 0.0 ? -y[k] : 0.0);
      slope[k] = y[k];
    }
    break;
  }
}
}    // namespace

Network::Network(const Element &element) : offset_(element.offset)
{
  for (const Layer &layer : element.layers) {
    Sheet s;
    s.n_in = layer.n_in;
    s.n_out = layer.n_out;
    s.in_padded = padded(s.n_in);
    s.out_padded = padded(s.n_out);
    s.activation = layer.activation;
    s.weights.assign(s.n_in * s.out_padded, 0.0);
    s.transposed.assign(s.n_out * s.in_padded, 0.0);
    s.biases.assign(s.out_padded, 0.0);
    s.squares.assign(s.out_padded, 0.0);
    for (int o = 0; o < s.n_out; ++o) {
      s.biases[o] = layer.biases[o];
      for (int i = 0; i < s.n_in; ++i) {
        const double w = layer.weights[i * s.n_out + o];
        s.weights[i * s.out_padded + o] = s.transposed[o * s.in_padded + i] = w;
        s.squares[o] += w * w;
      }
    }
    sheets_.push_back(std::move(s));
  }
}

void Network::forward(Sheet &s, const double *x, int n_atoms, int stride) const
{
  const int n = n_atoms * s.out_padded;
  if (static_cast<int>(s.output.size()) < n) {
    s.output.resize(n);
    s.slope.resize(n);
  }
  const bool is_radial = s.activation == Layer::RadialBasis;
  for (int a = 0; a < n_atoms; ++a)
    for (int o = 0; o < s.out_padded; ++o)
      s.output[a * s.out_padded + o] = is_radial ? 0.0 : s.biases[o];
  add_product({x, stride, s.weights.data(), s.out_padded, s.output.data(), s.out_padded,
               n_atoms, s.n_in, s.out_padded, nullptr});
  if (is_radial)    // |x - w|^2 = |x|^2 + |w|^2 - 2 x w
    for (int a = 0; a < n_atoms; ++a) {
      double square = 0.0;
      for (int i = 0; i < s.n_in; ++i) square += x[a * stride + i] * x[a * stride + i];
      for (int o = 0; o < s.out_padded; ++o) {
        double &y = s.output[a * s.out_padded + o];
        y = square + s.squares[o] - 2.0 * y;
      }
    }
  activate(s.activation, s.output.data(), s.slope.data(), n);
}

// dE/dx of a layer; on entry `slope` holds dE/dy dy/dsum, (n_atoms, out_padded).
void Network::backward(Sheet &s, const double *x, int n_atoms, int stride,
                       double *by_x) const
{
  for (int k = 0; k < n_atoms * stride; ++k) by_x[k] = 0.0;
  // Slopes by descriptors that are zero meet slopes of functions without neighbours.
  const bool is_first = &s == &sheets_.front() && s.activation != Layer::RadialBasis;
  add_product({s.slope.data(), s.out_padded, s.transposed.data(), s.in_padded, by_x,
               stride, n_atoms, s.n_out, s.in_padded, is_first ? x : nullptr});
  if (s.activation != Layer::RadialBasis) return;
  for (int a = 0; a < n_atoms; ++a) {    // 2 (sum_o v_o W_io - x_i sum_o v_o)
    double sum = 0.0;
    for (int o = 0; o < s.n_out; ++o) sum += s.slope[a * s.out_padded + o];
    for (int i = 0; i < s.n_in; ++i) {
      double &value = by_x[a * stride + i];
      value = 2.0 * (value - x[a * stride + i] * sum);
    }
  }
}

void Network::evaluate(const double *g, int n_atoms, int stride, double *energies,
                       double *gradient)
{
  const double *x = g;
  int width = stride;
  for (Sheet &s : sheets_) {
    forward(s, x, n_atoms, width);
    x = s.output.data();
    width = s.out_padded;
  }
  const Sheet &last = sheets_.back();
  for (int a = 0; a < n_atoms; ++a)
    energies[a] = last.output[a * last.out_padded] + offset_;
  for (std::size_t l = sheets_.size(); l-- > 0;) {
    Sheet &s = sheets_[l];
    const bool is_first = l == 0;
    // The outputs of the layer before are not needed once its slopes are known, unless
    // the layer is radial: then dE/dx goes through the output's place afterwards.
    const double *input = is_first ? g : sheets_[l - 1].output.data();
    const int n_in = is_first ? stride : sheets_[l - 1].out_padded;
    if (is_first)
      backward(s, input, n_atoms, n_in, gradient);
    else {
      std::vector<double> &by_input = scratch_;
      by_input.resize(n_atoms * n_in);
      backward(s, input, n_atoms, n_in, by_input.data());
      Sheet &before = sheets_[l - 1];
      for (int k = 0; k < n_atoms * n_in; ++k) before.slope[k] *= by_input[k];
    }
  }
}

double Network::bytes() const
{
  std::size_t n = scratch_.capacity();
  for (const Sheet &s : sheets_)
    n += s.weights.size() + s.transposed.size() + s.output.capacity() +
         s.slope.capacity();
  return 8.0 * static_cast<double>(n);
}

}    // namespace annpot
