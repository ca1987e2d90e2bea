#include "model.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>

namespace annpot
{

namespace
{

constexpr int FORMAT_VERSION = 1;
constexpr std::size_t MOST_SPECIES = 118;
// Rounding of descriptors that were stored in float32, as a part of a bound or of 1.
constexpr double RANGE_MARGIN = 1e-6;
const std::string AGAIN = " Extract or copy the model again.";

std::string number_text(double value)
{
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

// The text between `key` and the next of `ends` in the header of a .npy file.
std::string after(const std::string &header, const std::string &key, const char *ends)
{
  const auto at = header.find(key);
  if (at == std::string::npos) return "";
  const auto start = at + key.size();
  return header.substr(start, header.find_first_of(ends, start) - start);
}

// Numbers of a .npy file of float32 or float64 in C order, of the expected shape.
std::vector<double> read_array(const std::string &path, const std::vector<int> &shape)
{
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw ModelError(path + ": cannot be read." + AGAIN);
  std::stringstream buffer;
  buffer << stream.rdbuf();
  const std::string content = buffer.str();
  const bool is_long = content.size() > 6 && content[6] == 2;
  const std::size_t start = is_long ? 12 : 10;
  if (content.size() < start || content.compare(0, 6, "\x93NUMPY") != 0)
    throw ModelError(path + ": not a .npy file." + AGAIN);
  std::size_t length = 0;
  for (std::size_t k = start; k-- > 8;)
    length = length * 256 + static_cast<unsigned char>(content[k]);
  if (content.size() < start + length)
    throw ModelError(path + ": ends in its header." + AGAIN);
  const std::string header = content.substr(start, length);
  const std::string type = after(header, "'descr': '", "'");
  const int size = type == "<f4" ? 4 : type == "<f8" ? 8 : 0;
  if (!size || after(header, "'fortran_order': ", ",") != "False")
    throw ModelError(path + ": expected float32 or float64 in C order, found " + type +
                     "." + AGAIN);
  std::string expected;
  std::size_t n = 1;
  for (int extent : shape) {
    expected += (expected.empty() ? "" : ", ") + std::to_string(extent);
    n *= extent;
  }
  if (shape.size() == 1) expected += ",";
  const std::string found = after(header, "'shape': (", ")");
  if (found != expected)
    throw ModelError(path + ": array of shape (" + found + "), expected (" + expected +
                     ") as model.json says." + AGAIN);
  const std::size_t n_bytes = content.size() - start - length;
  if (n_bytes != n * size)
    throw ModelError(path + ": " + std::to_string(n_bytes) +
                     " bytes of numbers, expected " + std::to_string(n * size) + "." +
                     AGAIN);
  std::vector<double> values(n);
  const char *at = content.data() + start + length;
  for (std::size_t k = 0; k < n; ++k, at += size) {
    if (size == 4) {
      float value;
      std::memcpy(&value, at, 4);
      values[k] = value;
    } else
      std::memcpy(&values[k], at, 8);
    if (!std::isfinite(values[k]))
      throw ModelError(path + ": a number is not finite." + AGAIN);
  }
  return values;
}

[[noreturn]] void refuse(const Json &value, const std::string &expected)
{
  throw ModelError(value.where() + ": expected " + expected + "." + AGAIN);
}

double positive(const Json &value)
{
  if (!(value.number() > 0)) refuse(value, "a number above 0");
  return value.number();
}

std::vector<double> as_many(const Json &value, std::size_t n)
{
  std::vector<double> result = value.numbers();
  if (result.size() != n) refuse(value, std::to_string(n) + " numbers");
  return result;
}

Descriptor read_descriptor(const Json &json)
{
  json.expect_keys({"kind", "species", "r_cut_radial", "r_cut_angular", "radial_etas",
                    "radial_centres", "angular_etas", "angular_centres", "thetas",
                    "zetas", "epsilon", "pair_weight", "cosine_scale",
                    "radial_prefactor"});
  const std::string kind = json["kind"].text();
  if (kind != "mBP" && kind != "BP") refuse(json["kind"], "mBP or BP, found " + kind);
  Descriptor result;
  result.with_r_jk = kind == "BP";
  const std::vector<std::string> species = json["species"].texts();
  if (species.size() > MOST_SPECIES ||
      std::set<std::string>(species.begin(), species.end()).size() != species.size())
    refuse(json["species"], "different chemical elements");
  result.n_species = static_cast<int>(species.size());
  result.r_cut_radial = positive(json["r_cut_radial"]);
  result.r_cut_angular = positive(json["r_cut_angular"]);
  result.r_cut = std::max(result.r_cut_radial, result.r_cut_angular);
  result.radial_eta = json["radial_etas"].numbers();
  result.radial_centre = as_many(json["radial_centres"], result.radial_eta.size());
  result.angular_eta = json["angular_etas"].numbers();
  result.angular_centre = as_many(json["angular_centres"], result.angular_eta.size());
  result.theta = json["thetas"].numbers();
  result.zeta = as_many(json["zetas"], result.theta.size());
  for (double zeta : result.zeta)
    if (!(zeta > 0)) refuse(json["zetas"], "only numbers above 0");
  result.epsilon = json["epsilon"].number();
  result.pair_weight = json["pair_weight"].number();
  result.cosine_scale = json["cosine_scale"].number();
  result.radial_prefactor = json["radial_prefactor"].number();
  if (result.n_features() < 1) refuse(json, "at least one symmetry function");
  return result;
}

Layer read_layer(const Json &json, const std::string &folder, int n_in)
{
  json.expect_keys({"size", "activation", "weights", "biases"});
  Layer layer;
  layer.n_in = n_in;
  layer.n_out = json["size"].integer();
  if (layer.n_out < 1) refuse(json["size"], "an integer above 0");
  const int activation = json["activation"].integer();
  if (activation < 0 || activation > 4)
    refuse(json["activation"],
           "0 (linear), 1 (gaussian), 2 (rbf), 3 (relu) or 4 (tanh), found " +
               std::to_string(activation));
  layer.activation = static_cast<Layer::Activation>(activation);
  layer.weights =
      read_array(folder + "/" + json["weights"].text(), {n_in, layer.n_out});
  layer.biases = read_array(folder + "/" + json["biases"].text(), {layer.n_out});
  return layer;
}

void read_range(const Json &json, int n_features, Element &element)
{
  const Json &low = json["descriptor_minimum"], &high = json["descriptor_maximum"];
  if (low.is_null() && high.is_null()) return;
  element.lower = element.minimum = as_many(low, n_features);
  element.upper = element.maximum = as_many(high, n_features);
  for (int k = 0; k < n_features; ++k) {
    element.lower[k] -= RANGE_MARGIN * std::max(1.0, std::abs(element.lower[k]));
    element.upper[k] += RANGE_MARGIN * std::max(1.0, std::abs(element.upper[k]));
  }
}

Element read_element(const Json &json, const std::string &folder, int n_features)
{
  json.expect_keys({"element", "n_features", "offset", "layers", "n_training_atoms",
                    "descriptor_minimum", "descriptor_maximum"});
  Element element;
  element.symbol = json["element"].text();
  element.offset = json["offset"].number();
  if (json["n_features"].integer() != n_features)
    refuse(json["n_features"], std::to_string(n_features) + ", as the descriptor has");
  int n_in = n_features;
  for (const Json &layer : json["layers"].list()) {
    element.layers.push_back(read_layer(layer, folder, n_in));
    n_in = element.layers.back().n_out;
  }
  if (element.layers.empty() || n_in != 1)
    refuse(json["layers"], "a last layer of size 1");
  read_range(json, n_features, element);
  return element;
}

void check_generation(const Json &json, bool is_bp)
{
  const Json &generation = json["mbp_generation"];
  if (is_bp && generation.is_null()) return;
  if (is_bp || generation.is_null() || generation.integer() < 0 ||
      generation.integer() > 3)
    refuse(generation, is_bp ? "null with the descriptor BP"
                             : "a generation of mBP this plugin knows, 0 to 3");
}

}    // namespace

Model read_model(const std::string &folder)
{
  const Json json = Json::read(folder + "/model.json");
  if (json["format"].text() != "annpot model")
    refuse(json["format"], "\"annpot model\"");
  if (json["format_version"].integer() != FORMAT_VERSION)
    refuse(json["format_version"],
           std::to_string(FORMAT_VERSION) +
               ", which this plugin reads, "
               "found " +
               std::to_string(json["format_version"].integer()));
  json.expect_keys({"format", "format_version", "program", "species", "units",
                    "descriptor", "mbp_generation", "precision", "networks", "files",
                    "golden", "training"});
  if (json["units"]["length"].text() != "angstrom" ||
      json["units"]["energy"].text() != "eV")
    refuse(json["units"], "angstrom and eV");
  Model model;
  model.folder = folder;
  model.program = json["program"].text();
  model.descriptor = read_descriptor(json["descriptor"]);
  check_generation(json, model.descriptor.with_r_jk);
  for (const Json &network : json["networks"].list())
    model.elements.push_back(
        read_element(network, folder, model.descriptor.n_features()));
  const std::vector<std::string> species = json["species"].texts();
  if (json["descriptor"]["species"].texts() != species)
    refuse(json["descriptor"]["species"], "the same as in species");
  if (model.elements.size() != species.size())
    refuse(json["networks"], "one for each species");
  for (std::size_t k = 0; k < species.size(); ++k)
    if (model.elements[k].symbol != species[k])
      refuse(json["networks"], "the elements of species in their order");
  return model;
}

int Model::index_of(const std::string &symbol) const
{
  for (std::size_t k = 0; k < elements.size(); ++k)
    if (elements[k].symbol == symbol) return static_cast<int>(k);
  return -1;
}

std::string Model::symbols() const
{
  std::string result;
  for (const Element &element : elements)
    result += (result.empty() ? "" : ", ") + element.symbol;
  return result;
}

std::string Model::component(int number) const
{
  const Descriptor &d = descriptor;
  const int n_radial = d.n_radial();
  if (number < d.n_species * n_radial) {
    const int k = number % n_radial;
    return "radial " + elements[number / n_radial].symbol +
           " eta=" + number_text(d.radial_eta[k]) +
           " R=" + number_text(d.radial_centre[k]);
  }
  const int per_pair = d.n_eta() * d.n_theta();
  for (int a = 0; a < d.n_species; ++a)
    for (int b = a; b < d.n_species; ++b) {
      const int within = number - d.block(a, b);
      if (within < 0 || within >= per_pair) continue;
      const int p = within / d.n_theta(), t = within % d.n_theta();
      const double degree = 180.0 / std::acos(-1.0);
      return "angular " + elements[a].symbol + "-" + elements[b].symbol +
             " eta=" + number_text(d.angular_eta[p]) +
             " R=" + number_text(d.angular_centre[p]) +
             " theta=" + number_text(degree * d.theta[t]) +
             " zeta=" + number_text(d.zeta[t]);
    }
  return "?";
}

}    // namespace annpot
