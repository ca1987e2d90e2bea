// pair_style annpot: neural network potentials of annpot in LAMMPS.
//
//   pair_style annpot [extrapolation ignore | warn | stop N]
//   pair_coeff * * MODEL_FOLDER El1 El2 ...       (an element, or NULL, for each type)
//
// `compute ID all pair annpot` gives [1] the number of atoms whose descriptors are out
// of the range seen in training, and [2] the sum of these numbers over the steps.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "model.h"
#include "pair.h"
#include "potential.h"

namespace LAMMPS_NS
{

class PairAnnpot : public Pair
{
 public:
  explicit PairAnnpot(class LAMMPS *);
  ~PairAnnpot() override;

  void settings(int, char **) override;
  void coeff(int, char **) override;
  void init_style() override;
  double init_one(int, int) override;
  void compute(int, int) override;
  void *extract(const char *, int &) override;
  void *extract_peratom(const char *, int &);    // not virtual in LAMMPS before 2023
  double memory_usage() override;

 private:
  enum Action { IGNORE, WARN, STOP };

  void allocate();
  void read(const std::string &folder);
  void gather(int i);
  void scatter(const std::vector<int> &atoms);
  void tally(int a, int i);
  void tally_centroid(int a);
  void watch(int a, int i);
  void count_extrapolations();

  std::unique_ptr<annpot::Model> model;
  std::unique_ptr<annpot::Potential> potential;
  std::vector<int> element_of_type;    // -1 for NULL
  double energy_unit;                  // of LAMMPS in eV

  annpot::Neighbors near, sorted;    // of one atom, as listed and by species
  std::vector<int> species_of_near;
  std::vector<std::vector<int>> atoms_of_element;

  Action action;
  double most_extrapolations, n_total;
  bool is_warned;
  int trigger;
  std::vector<double> n_outside;    // components out of range of each atom
};

}    // namespace LAMMPS_NS
