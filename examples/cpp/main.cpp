// Showers of a calogan bundle: prints the energy in each readout layer.
//
//   showers BUNDLE [--energy GEV] [-n N] [--seed SEED] [--threads T]
//                  [--inputs FILE] [--cells FILE]
//
// --inputs: 32-bit floats, noise of all showers and then what the network is told of each, instead
//           of own noise; --cells: write all cells as 32-bit floats, layer by layer.
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <stdexcept>

#include "calogan.hpp"

namespace {

struct Options {
  std::string bundle, inputs, cells;
  double energy_gev = 50;
  long n = 5;
  unsigned long long seed = 1;
  int threads = 1;
};

constexpr const char* usage =
    "usage: showers BUNDLE [--energy GEV] [-n N] [--seed SEED] [--threads T] [--inputs FILE]"
    " [--cells FILE]";

template <class Number>
Number number(const std::string& option, const std::string& text, Number low, Number high) {
  std::size_t end = 0;
  double value = 0;
  try {
    value = std::stod(text, &end);
  } catch (const std::exception&) {
    end = 0;
  }
  if (end != text.size() || text.empty() || !(value >= double(low)) || !(value <= double(high)))
    throw calogan::Error(option + " " + text + ": not a number in its range");
  return static_cast<Number>(value);
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word.empty() || word[0] != '-') {
      if (!options.bundle.empty()) throw calogan::Error(usage);
      options.bundle = word;
      continue;
    }
    if (i + 1 == argc) throw calogan::Error(usage);
    const std::string value = argv[++i];
    if (word == "--energy") options.energy_gev = number(word, value, 1e-6, 1e9);
    else if (word == "-n") options.n = number(word, value, 1L, 1000000L);
    else if (word == "--seed") options.seed = number(word, value, 0ULL, 1ULL << 53);
    else if (word == "--threads") options.threads = number(word, value, 1, 1024);
    else if (word == "--inputs") options.inputs = value;
    else if (word == "--cells") options.cells = value;
    else throw calogan::Error(usage);
  }
  if (options.bundle.empty()) throw calogan::Error(usage);
  return options;
}

std::vector<float> read_floats(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) throw calogan::Error("cannot read " + path);
  const auto size = static_cast<std::size_t>(file.tellg());
  if (size % sizeof(float)) throw calogan::Error(path + " is no file of 32-bit floats");
  std::vector<float> values(size / sizeof(float));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(size));
  if (!file) throw calogan::Error("cannot read " + path);
  return values;
}

void write_floats(const std::string& path, const std::vector<calogan::Layer>& layers) {
  std::ofstream file(path, std::ios::binary);
  for (const auto& layer : layers)
    file.write(reinterpret_cast<const char*>(layer.cells.data()),
               static_cast<std::streamsize>(layer.cells.size() * sizeof(float)));
  if (!file.flush()) throw calogan::Error("cannot write " + path);
}

int run(int argc, char** argv) {
  const auto options = parse(argc, argv);
  calogan::Generator generator(options.bundle, options.threads);
  const auto& card = generator.card();
  const std::size_t n_told = card.n_told();

  std::vector<float> told;
  std::vector<calogan::Layer> layers;
  if (options.inputs.empty()) {
    if (options.energy_gev < card.low_gev || options.energy_gev > card.high_gev)
      std::cerr << "showers: " << card.name << " was trained with " << card.low_gev << " to "
                << card.high_gev << " GeV: it extrapolates\n";
    std::mt19937_64 random(options.seed);
    const std::vector<float> energy(options.n, static_cast<float>(options.energy_gev));
    layers = generator.simulate(energy, random);
    for (const float value : energy) {
      told.push_back(value);
      told.resize(told.size() + n_told - 1, 0.f);
    }
  } else {
    auto noise = read_floats(options.inputs);
    const std::size_t row = card.latent_size + n_told;
    if (noise.empty() || noise.size() % row)
      throw calogan::Error(options.inputs + " holds no whole showers of " + std::to_string(row) +
                           " numbers each");
    const std::size_t n = noise.size() / row;
    told.assign(noise.begin() + static_cast<std::ptrdiff_t>(n * card.latent_size), noise.end());
    noise.resize(n * card.latent_size);
    layers = generator.simulate(noise, told);
  }

  std::cout << "# " << card.name << ", " << card.particle << ": energy [GeV]";
  for (std::size_t k = 0; k < layers.size(); ++k) std::cout << ", layer_" << k << " [MeV]";
  std::cout << '\n' << std::setprecision(9);
  for (std::int64_t i = 0; i < layers.at(0).n; ++i) {
    std::cout << told[i * n_told];
    for (const auto& layer : layers) std::cout << ' ' << layer.energy(i);
    std::cout << '\n';
  }
  if (!options.cells.empty()) write_floats(options.cells, layers);
  return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "showers: " << error.what() << '\n';
    return 2;
  }
}
