#include "pair_annpot.h"

#include <cmath>
#include <cstring>
#include <exception>
#include <sstream>

#include "atom.h"
#include "comm.h"
#include "error.h"
#include "force.h"
#include "memory.h"
#include "neigh_list.h"
#include "neighbor.h"
#include "update.h"
#include "utils.h"

using namespace LAMMPS_NS;

namespace
{
// One text of words and numbers; LAMMPS' own formatting is not the same in all
// versions.
template <typename... Words> std::string joined(const Words &...words)
{
  std::ostringstream text;
  text.precision(6);
  (text << ... << words);
  return text.str();
}
}    // namespace

PairAnnpot::PairAnnpot(LAMMPS *lmp)
    : Pair(lmp), energy_unit(1.0), action(WARN), most_extrapolations(0.0), n_total(0.0),
      is_warned(false), trigger(1)
{
  single_enable = 0;
  restartinfo = 0;
  one_coeff = 1;
  manybody_flag = 1;
  no_virial_fdotr_compute = 1;    // the virial is summed with the forces
  centroidstressflag = CENTROID_AVAIL;
  unit_convert_flag = utils::get_supported_conversions(utils::ENERGY);
  nextra = 2;
  pvector = new double[nextra]{0.0, 0.0};
}

PairAnnpot::~PairAnnpot()
{
  delete[] pvector;
  if (copymode || !allocated) return;
  memory->destroy(setflag);
  memory->destroy(cutsq);
}

void PairAnnpot::allocate()
{
  const int n = atom->ntypes + 1;
  memory->create(setflag, n, n, "pair:setflag");
  memory->create(cutsq, n, n, "pair:cutsq");
  for (int a = 0; a < n; ++a)
    for (int b = 0; b < n; ++b) {
      setflag[a][b] = 0;
      cutsq[a][b] = 0.0;
    }
  map = new int[n];
  allocated = 1;
}

void PairAnnpot::settings(int narg, char **arg)
{
  action = WARN;
  int k = 0;
  while (k < narg) {
    if (strcmp(arg[k], "extrapolation") != 0)
      error->all(FLERR, joined("pair_style annpot: unknown keyword ", arg[k],
                               ": expected extrapolation ignore, extrapolation warn or "
                               "extrapolation stop N"));
    const std::string choice = k + 1 < narg ? arg[k + 1] : "nothing";
    k += 2;
    if (choice == "ignore")
      action = IGNORE;
    else if (choice == "warn")
      action = WARN;
    else if (choice == "stop") {
      if (k >= narg)
        error->all(FLERR,
                   "pair_style annpot extrapolation stop: expected a number of atoms");
      action = STOP;
      most_extrapolations = utils::numeric(FLERR, arg[k++], false, lmp);
      if (!(most_extrapolations >= 0.0))
        error->all(FLERR, joined("pair_style annpot extrapolation stop ", arg[k - 1],
                                 ": expected 0 or more"));
    } else
      error->all(FLERR, joined("pair_style annpot extrapolation ", choice,
                               ": expected ignore, warn or stop N"));
  }
}

void PairAnnpot::coeff(int narg, char **arg)
{
  if (!allocated) allocate();
  if (narg != 3 + atom->ntypes)
    error->all(FLERR, joined("pair_coeff of pair_style annpot: expected * * "
                             "MODEL_FOLDER and an element (or NULL) for each of the ",
                             atom->ntypes, " atom types, found ", narg, " words"));
  map_element2type(narg - 3, arg + 3);
  read(arg[2]);
  element_of_type.assign(atom->ntypes + 1, -1);
  for (int type = 1; type <= atom->ntypes; ++type) {
    if (map[type] < 0) continue;
    const int element = model->index_of(elements[map[type]]);
    if (element < 0)
      error->all(FLERR, joined("pair_coeff of pair_style annpot: ", elements[map[type]],
                               " for type ", type, ": ", arg[2], " has networks of ",
                               model->symbols(), " only"));
    element_of_type[type] = element;
  }
  const int conversion =
      unit_convert_flag & utils::METAL2REAL && strcmp(update->unit_style, "real") == 0
          ? utils::METAL2REAL
          : utils::NOCONVERT;
  if (conversion == utils::NOCONVERT && strcmp(update->unit_style, "metal") != 0)
    error->all(FLERR, joined("pair_style annpot: units ", update->unit_style,
                             ": expected units metal or units real"));
  energy_unit = utils::get_conversion_factor(utils::ENERGY, conversion);
}

// A rank that cannot read the model stops all of them with its message.
void PairAnnpot::read(const std::string &folder)
{
  std::string problem;
  try {
    potential.reset();
    model = std::make_unique<annpot::Model>(annpot::read_model(folder));
    potential = std::make_unique<annpot::Potential>(*model);
  } catch (const std::exception &failure) {    // no memory, too
    problem = failure.what();
  }
  int mine = problem.empty() ? comm->nprocs : comm->me, first;
  MPI_Allreduce(&mine, &first, 1, MPI_INT, MPI_MIN, world);
  if (first < comm->nprocs) {
    int length = static_cast<int>(problem.size());
    MPI_Bcast(&length, 1, MPI_INT, first, world);
    problem.resize(length);
    MPI_Bcast(&problem[0], length, MPI_CHAR, first, world);
    error->all(FLERR, joined("pair_style annpot: ", problem));
  }
  atoms_of_element.assign(model->elements.size(), {});
  bool knows_range = false;
  for (const auto &element : model->elements) knows_range |= !element.lower.empty();
  if (comm->me == 0)
    utils::logmesg(
        lmp,
        joined("annpot: ", folder, ", networks of ", model->symbols(), ", ",
               model->descriptor.n_features(), " components within ",
               model->descriptor.r_cut, " angstrom",
               knows_range ? "" : "; the range seen in training is not known", "\n"));
}

void PairAnnpot::init_style()
{
  if (!force->newton_pair) error->all(FLERR, "pair_style annpot needs newton pair on");
  const bool excludes = force->special_lj[1] == 0.0 || force->special_lj[2] == 0.0 ||
                        force->special_lj[3] == 0.0;
  if (atom->molecular != Atom::ATOMIC && excludes)
    error->all(FLERR,
               "pair_style annpot needs all neighbors, bonded ones too: "
               "use special_bonds lj/coul 1 1 1, or an atom_style without bonds");
  neighbor->add_request(this, NeighConst::REQ_FULL);
  n_total = 0.0;
  is_warned = false;
}

double PairAnnpot::init_one(int i, int j)
{
  if (setflag[i][j] == 0)
    error->all(FLERR, joined("pair_coeff of types ", i, " and ", j, " is not set"));
  return model->descriptor.r_cut;
}

void PairAnnpot::compute(int eflag, int vflag)
{
  ev_init(eflag, vflag);
  n_outside.assign(atom->nmax, 0.0);
  pvector[0] = 0.0;
  for (auto &atoms : atoms_of_element) atoms.clear();
  for (int ii = 0; ii < list->inum; ++ii) {
    const int i = list->ilist[ii], element = element_of_type[atom->type[i]];
    if (element >= 0) atoms_of_element[element].push_back(i);
  }
  std::vector<int> tile;
  for (std::size_t element = 0; element < atoms_of_element.size(); ++element) {
    potential->begin(static_cast<int>(element));
    for (int i : atoms_of_element[element]) {
      gather(i);
      potential->add(sorted);
      tile.push_back(i);
      if (!potential->is_full()) continue;
      scatter(tile);
      tile.clear();
      potential->begin(static_cast<int>(element));
    }
    scatter(tile);
    tile.clear();
  }
  count_extrapolations();
}

// Neighbours of atom i within the cutoff, by species, in `sorted`.
void PairAnnpot::gather(int i)
{
  const double *const *x = atom->x;
  const int *type = atom->type, *listed = list->firstneigh[i], n = list->numneigh[i];
  const double cut_square = model->descriptor.r_cut * model->descriptor.r_cut;
  const double xi = x[i][0], yi = x[i][1], zi = x[i][2];
  for (auto *values :
       {&near.x, &near.y, &near.z, &near.r, &sorted.x, &sorted.y, &sorted.z, &sorted.r})
    values->resize(n);
  near.index.resize(n);
  species_of_near.resize(n);
  sorted.first.assign(model->elements.size() + 1, 0);
  int found = 0;
  for (int jj = 0; jj < n; ++jj) {
    const int j = listed[jj] & NEIGHMASK;
    const double dx = x[j][0] - xi, dy = x[j][1] - yi, dz = x[j][2] - zi;
    const double square = dx * dx + dy * dy + dz * dz;
    const int species = element_of_type[type[j]];
    if (square >= cut_square || species < 0) continue;
    near.x[found] = dx;
    near.y[found] = dy;
    near.z[found] = dz;
    near.r[found] = square;
    near.index[found] = j;
    species_of_near[found] = species;
    ++sorted.first[species + 1];
    ++found;
  }
  if (found > potential->most_neighbors())
    error->one(FLERR, joined("pair_style annpot: atom ",
                             atom->tag_enable ? atom->tag[i] : i + 1, " has ", found,
                             " neighbors within the cutoff, at most ",
                             potential->most_neighbors(), " are possible"));
  for (std::size_t s = 1; s < sorted.first.size(); ++s)
    sorted.first[s] += sorted.first[s - 1];
  for (auto *values : {&sorted.x, &sorted.y, &sorted.z, &sorted.r})
    values->resize(found);
  sorted.index.resize(found);
  std::vector<int> &place = near.first;
  place = sorted.first;
  for (int k = 0; k < found; ++k) {
    const int to = place[species_of_near[k]]++;
    sorted.x[to] = near.x[k];
    sorted.y[to] = near.y[k];
    sorted.z[to] = near.z[k];
    sorted.r[to] = std::sqrt(near.r[k]);
    sorted.index[to] = near.index[k];
  }
}

// Energies, forces and virials of a tile of atoms.
void PairAnnpot::scatter(const std::vector<int> &atoms)
{
  potential->finish();
  double **f = atom->f;
  for (std::size_t a = 0; a < atoms.size(); ++a) {
    const int i = atoms[a], number = static_cast<int>(a);
    const annpot::Neighbors &neighbors = potential->neighbors(number);
    const double *x = potential->slope_x(number), *y = potential->slope_y(number);
    const double *z = potential->slope_z(number);
    double sum[3] = {0.0, 0.0, 0.0};
    for (int k = 0; k < neighbors.size(); ++k) {
      double *force_on = f[neighbors.index[k]];
      const double fx = energy_unit * x[k], fy = energy_unit * y[k],
                   fz = energy_unit * z[k];
      force_on[0] -= fx;
      force_on[1] -= fy;
      force_on[2] -= fz;
      sum[0] += fx;
      sum[1] += fy;
      sum[2] += fz;
    }
    for (int k = 0; k < 3; ++k) f[i][k] += sum[k];
    if (evflag) tally(number, i);
    if (action != IGNORE) watch(number, i);
  }
}

// The energy of an atom and the virial -sum_j r_ij dE_i/dr_ij belong to atom i.
void PairAnnpot::tally(int a, int i)
{
  const double energy = energy_unit * potential->energy(a);
  if (eflag_global) eng_vdwl += energy;
  if (eflag_atom) eatom[i] += energy;
  if (!vflag_either) return;
  const annpot::Neighbors &n = potential->neighbors(a);
  const double *x = potential->slope_x(a), *y = potential->slope_y(a),
               *z = potential->slope_z(a);
  double w[6] = {0.0, 0.0, 0.0, 0.0, 0.0, 0.0};    // xx, yy, zz, xy, xz, yz
  for (int k = 0; k < n.size(); ++k) {
    w[0] -= n.x[k] * x[k];
    w[1] -= n.y[k] * y[k];
    w[2] -= n.z[k] * z[k];
    w[3] -= n.x[k] * y[k];
    w[4] -= n.x[k] * z[k];
    w[5] -= n.y[k] * z[k];
  }
  for (int k = 0; k < 6; ++k) {
    if (vflag_global) virial[k] += energy_unit * w[k];
    if (vflag_atom) vatom[i][k] += energy_unit * w[k];
  }
  if (cvflag_atom) tally_centroid(a);
}

// The virial that belongs to the velocity of an atom in the heat flux: of atom j
//   -sum_i r_ij (x) dE_i/dr_ij,  xx, yy, zz, xy, xz, yz, yx, zx, zy; not symmetric.
// Source: Z. Fan et al., Phys. Rev. B 92, 094301 (2015), eq. 21.
void PairAnnpot::tally_centroid(int a)
{
  const annpot::Neighbors &n = potential->neighbors(a);
  const double *gx = potential->slope_x(a), *gy = potential->slope_y(a);
  const double *gz = potential->slope_z(a);
  for (int k = 0; k < n.size(); ++k) {
    double *w = cvatom[n.index[k]];
    const double x = energy_unit * n.x[k], y = energy_unit * n.y[k];
    const double z = energy_unit * n.z[k];
    w[0] -= x * gx[k];
    w[1] -= y * gy[k];
    w[2] -= z * gz[k];
    w[3] -= x * gy[k];
    w[4] -= x * gz[k];
    w[5] -= y * gz[k];
    w[6] -= y * gx[k];
    w[7] -= z * gx[k];
    w[8] -= z * gy[k];
  }
}

void PairAnnpot::watch(int a, int i)
{
  const annpot::Extrapolation found = potential->extrapolation(a);
  if (!found.n_components) return;
  n_outside[i] = found.n_components;
  pvector[0] += 1.0;
  if (is_warned) return;
  is_warned = true;
  const annpot::Element &element = model->elements[element_of_type[atom->type[i]]];
  error->warning(
      FLERR, joined("annpot extrapolates at step ", update->ntimestep, ": atom ",
                    atom->tag_enable ? atom->tag[i] : i + 1, " (", element.symbol,
                    "): component ", found.component, " (",
                    model->component(found.component), ") is ", found.value,
                    ", in training it was ", element.minimum[found.component], " to ",
                    element.maximum[found.component], "; ", found.n_components,
                    " components of this atom are out of range. Told once on each "
                    "rank; compute ID all pair annpot counts these atoms"));
}

void PairAnnpot::count_extrapolations()
{
  n_total += pvector[0];
  pvector[1] = n_total;
  if (action != STOP) return;
  double all;
  MPI_Allreduce(&n_total, &all, 1, MPI_DOUBLE, MPI_SUM, world);
  if (all > most_extrapolations)
    error->all(
        FLERR,
        joined("annpot: ", static_cast<long>(all),
               " atoms were out of the range seen in training since the run began, ",
               static_cast<long>(most_extrapolations),
               " are allowed (pair_style annpot extrapolation stop ",
               static_cast<long>(most_extrapolations),
               "). Train on such structures, or allow more"));
}

void *PairAnnpot::extract(const char *name, int &dimension)
{
  dimension = 0;
  return strcmp(name, "extrapolation_flag") == 0 ? &trigger : nullptr;
}

// For `fix pair`: number of components of each atom that are out of range.
void *PairAnnpot::extract_peratom(const char *name, int &n_columns)
{
  n_columns = 0;
  return strcmp(name, "extrapolation") == 0 ? n_outside.data() : nullptr;
}

double PairAnnpot::memory_usage()
{
  double bytes = Pair::memory_usage() + 8.0 * static_cast<double>(n_outside.capacity());
  for (const auto &atoms : atoms_of_element) bytes += sizeof(int) * atoms.capacity();
  return potential ? bytes + potential->bytes() : bytes;
}
