// A calogan bundle (model.onnx and card.json) in C++: incident energies to cell energies.
//
// One header, to be copied into a fast-simulation model: of Geant4 (example Par04), or of an
// experiment's framework. A Generator may be used by one thread at a time.
#pragma once

#include <cmath>
#include <cstdint>
#include <fstream>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>
#include <onnxruntime_cxx_api.h>

namespace calogan {

/// Whatever is wrong with a bundle, in one line.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What card.json says, as far as running the network needs it.
struct Card {
  std::string name;
  std::string particle;
  std::size_t latent_size = 0;
  double low_gev = 0, high_gev = 0;       ///< energies of the training
  std::vector<std::string> conditions;    ///< told beside the energy; mostly none
  std::size_t n_layers = 0;
  bool overflow = false;                  ///< whether it also gives the energy beside the cells

  /// Read `BUNDLE/card.json`.
  static Card read(const std::string& bundle) {
    const std::string path = bundle + "/card.json";
    std::ifstream file(path);
    if (!file) throw Error("cannot read " + path + ": not a model bundle?");
    try {
      const auto json = nlohmann::json::parse(file);
      if (json.value("schema_version", 1) != 1)
        throw Error(path + ": a card of a newer schema; this program reads version 1");
      Card card;
      card.name = json.at("name").get<std::string>();
      card.particle = json.at("particle").get<std::string>();
      card.latent_size = json.at("architecture").at("latent_size").get<std::size_t>();
      card.low_gev = json.at("energy_range_gev").at(0).get<double>();
      card.high_gev = json.at("energy_range_gev").at(1).get<double>();
      card.n_layers = json.at("calorimeter").at("layers").size();
      card.overflow = json.at("architecture").value("overflow", false);
      if (json.contains("conditions"))
        for (const auto& condition : json.at("conditions"))
          card.conditions.push_back(condition.at("name").get<std::string>());
      return card;
    } catch (const nlohmann::json::exception& error) {
      throw Error(path + " is no card of a calogan model: " + error.what());
    }
  }

  /// Numbers that the network is told of each particle: the energy, then the conditions.
  std::size_t n_told() const { return 1 + conditions.size(); }
};

/// Cell energies [MeV] of one readout layer, of all showers: `(n, rows, columns)` in C order.
struct Layer {
  std::int64_t n = 0, rows = 0, columns = 0;
  std::vector<float> cells;

  /// Energy of a shower in the layer [MeV].
  double energy(std::int64_t shower) const {
    const auto first = cells.begin() + shower * rows * columns;
    return std::accumulate(first, first + rows * columns, 0.0);
  }
};

/// The network of a bundle. It is asked for the cells; the energy beside them, which some networks
/// give as well, it is not.
class Generator {
 public:
  /// @param bundle  folder with model.onnx and card.json
  /// @param threads threads of ONNX Runtime; 1 where the framework has events in parallel
  explicit Generator(const std::string& bundle, int threads = 1)
      : card_(Card::read(bundle)),
        environment_(ORT_LOGGING_LEVEL_ERROR, "calogan"),
        session_(open(environment_, bundle + "/model.onnx", threads)) {
    check();
    for (std::size_t k = 0; k < card_.n_layers; ++k)
      output_names_.push_back("layer_" + std::to_string(k));
  }

  const Card& card() const { return card_; }

  /// Make one shower per incident energy [GeV], of a beam along the axis.
  template <class Random>
  std::vector<Layer> simulate(const std::vector<float>& energy_gev, Random& random) {
    std::vector<float> noise(energy_gev.size() * card_.latent_size);
    std::normal_distribution<float> normal;
    for (auto& value : noise) value = normal(random);
    std::vector<float> told(energy_gev.size() * card_.n_told(), 0.f);  // conditions: 0, on the axis
    for (std::size_t i = 0; i < energy_gev.size(); ++i) told[i * card_.n_told()] = energy_gev[i];
    return simulate(noise, told);
  }

  /// The same with given noise, `(n, latent_size)`, and what is told, `(n, n_told)`.
  std::vector<Layer> simulate(std::vector<float> noise, std::vector<float> told) {
    const auto n = static_cast<std::int64_t>(told.size() / card_.n_told());
    if (told.size() != n * card_.n_told() || noise.size() != n * card_.latent_size)
      throw Error("noise and energies are not of the same number of showers");
    const std::int64_t noise_shape[] = {n, static_cast<std::int64_t>(card_.latent_size)};
    const std::int64_t told_shape[] = {n, static_cast<std::int64_t>(card_.n_told())};
    const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
    Ort::Value inputs[] = {
        Ort::Value::CreateTensor<float>(memory, noise.data(), noise.size(), noise_shape, 2),
        Ort::Value::CreateTensor<float>(memory, told.data(), told.size(), told_shape, 2)};
    const char* input_names[] = {"noise", card_.conditions.empty() ? "energy" : "condition"};
    std::vector<const char*> output_names;
    for (const auto& name : output_names_) output_names.push_back(name.c_str());
    const auto outputs = session_.Run(Ort::RunOptions{nullptr}, input_names, inputs, 2,
                                      output_names.data(), output_names.size());
    std::vector<Layer> layers;
    for (const auto& output : outputs) {
      const auto shape = output.GetTensorTypeAndShapeInfo().GetShape();
      if (shape.size() != 3 || shape[0] != n)
        throw Error("the network of " + card_.name + " gives no images, one per shower");
      const float* first = output.GetTensorData<float>();
      layers.push_back({n, shape[1], shape[2], {first, first + n * shape[1] * shape[2]}});
      for (const float cell : layers.back().cells)
        if (!(cell >= 0) || std::isinf(cell))
          throw Error("the network of " + card_.name + " gives an energy that is none");
    }
    return layers;
  }

 private:
  static Ort::Session open(Ort::Env& environment, const std::string& model, int threads) {
    Ort::SessionOptions options;
    options.SetIntraOpNumThreads(threads);
    return Ort::Session(environment, model.c_str(), options);
  }

  /// Inputs and outputs must be those of the card.
  void check() const {
    const auto n_outputs = card_.n_layers + (card_.overflow ? 1 : 0);
    if (session_.GetInputCount() != 2 || session_.GetOutputCount() != n_outputs)
      throw Error("the network of " + card_.name + " is not the one on its card");
    Ort::AllocatorWithDefaultOptions allocator;
    for (std::size_t k = 0; k < 2; ++k) {
      const std::string name = session_.GetInputNameAllocated(k, allocator).get();
      const auto type = session_.GetInputTypeInfo(k);
      const auto shape = type.GetTensorTypeAndShapeInfo().GetShape();
      const auto expected = name == "noise" ? card_.latent_size : card_.n_told();
      if (shape.size() != 2 || shape[1] != static_cast<std::int64_t>(expected))
        throw Error("the network of " + card_.name + " takes another " + name + " than its card says");
    }
  }

  Card card_;
  Ort::Env environment_;
  Ort::Session session_;
  std::vector<std::string> output_names_;
};

}  // namespace calogan
