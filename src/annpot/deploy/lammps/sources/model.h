// A potential as `app_extract_weights` writes it: model.json and .npy files.
#pragma once

#include <string>
#include <vector>

#include "json.h"

namespace annpot
{

// Constants of the symmetry functions; angstrom, 1/angstrom^2, radian.
struct Descriptor {
  bool with_r_jk;    // BP: the angular functions depend on r_jk
  int n_species;
  double r_cut, r_cut_radial, r_cut_angular;
  double radial_prefactor, cosine_scale, pair_weight;
  std::vector<double> radial_eta, radial_centre;      // one per radial function
  std::vector<double> angular_eta, angular_centre;    // one per radial part
  std::vector<double> theta, zeta;                    // one per angular part
  double epsilon;

  int n_radial() const { return static_cast<int>(radial_eta.size()); }
  int n_eta() const { return static_cast<int>(angular_eta.size()); }
  int n_theta() const { return static_cast<int>(theta.size()); }
  int n_features() const
  {
    return n_species * n_radial() +
           n_species * (n_species + 1) / 2 * n_eta() * n_theta();
  }
  // First component of the angular functions of two species.
  int block(int a, int b) const
  {
    const int low = a < b ? a : b, high = a < b ? b : a;
    const int number = low * n_species - low * (low - 1) / 2 + high - low;
    return n_species * n_radial() + number * n_eta() * n_theta();
  }
};

// y = activation(x W + b): numbers of activations as everywhere in annpot.
struct Layer {
  enum Activation {
    Linear = 0,
    Gaussian = 1,
    RadialBasis = 2,
    Rectified = 3,
    Tanh = 4
  };
  int n_in, n_out;
  Activation activation;
  std::vector<double> weights;    // (n_in, n_out), row by row
  std::vector<double> biases;     // (n_out)
};

struct Element {
  std::string symbol;
  double offset;    // eV
  std::vector<Layer> layers;
  // Descriptors seen in training, and these bounds with a margin; empty if unknown.
  std::vector<double> minimum, maximum, lower, upper;
};

struct Model {
  std::string folder, program;
  Descriptor descriptor;
  std::vector<Element> elements;    // in the order of the species

  // Number of an element; -1 if the model has no network of it.
  int index_of(const std::string &symbol) const;
  // "H, C, O, N"
  std::string symbols() const;
  // Name of a component, counted from 0: "angular H-O eta=6 R=0.5 theta=22.5 zeta=8".
  std::string component(int number) const;
};

// Reads a folder; ModelError says what is wrong where.
Model read_model(const std::string &folder);

}    // namespace annpot
