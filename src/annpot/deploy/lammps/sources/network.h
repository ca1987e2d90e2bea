// The network of one element for several atoms at once, and its gradient.
#pragma once

#include <vector>

#include "model.h"

namespace annpot
{

class Network
{
 public:
  explicit Network(const Element &element);

  // Energies N(G) + offset and gradients dN/dG of atoms.
  //   g, gradient: (n_atoms, stride) with stride >= n_features, a multiple of 8;
  //   energies: (n_atoms,), eV.
  void evaluate(const double *g, int n_atoms, int stride, double *energies,
                double *gradient);

  double bytes() const;

 private:
  struct Sheet {    // a layer, columns padded to whole vectors
    int n_in, n_out, in_padded, out_padded;
    Layer::Activation activation;
    std::vector<double> weights, transposed, biases, squares;
    std::vector<double> output, slope;    // (n_atoms, out_padded)
  };

  void forward(Sheet &sheet, const double *x, int n_atoms, int stride) const;
  void backward(Sheet &sheet, const double *x, int n_atoms, int stride,
                double *by_x) const;

  double offset_;
  std::vector<Sheet> sheets_;
  std::vector<double> scratch_;
};

}    // namespace annpot
