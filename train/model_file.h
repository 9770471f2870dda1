// A trained model in its folder: what `train` leaves and `pack` reads. docs/checkpoint.md gives the
// files.
//
//   model.safetensors   the weights, fp32, in the order of the model's parameters
//   train.json          written last: configuration, what it was trained on, checksum of the
//   weights
//
// The reader knows no libtorch.
#pragma once

#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "base/safetensors.h"
#include "models/key_rule.h"
#include "models/options.h"

namespace reprise {

class ModelFile {
 public:
  /// Throws kBadInput where the folder holds no finished model or its weights differ from their
  /// checksum.
  explicit ModelFile(const std::filesystem::path& folder);

  const ModelOptions& options() const { return options_; }
  /// train.json; its "config"."model" is the resolved section.
  const nlohmann::json& record() const { return record_; }
  std::string tokenizer() const;  ///< SHA-256 of the tokenizer model, in hex
  /// Throws kBadInput where the model was trained on tokens of another tokenizer than that of
  /// `corpus`, whose SHA-256 is `digest`.
  void require_tokenizer(const std::string& digest, const std::string& corpus) const;
  /// What refined positions attended to in training: coarse where none was refined.
  KeyRule key_rule() const;
  const std::vector<ArrayView>& arrays() const { return weights_.arrays(); }

 private:
  std::string folder_;
  nlohmann::json record_;
  ModelOptions options_;
  SafetensorsFile weights_;
};

/// Writes both files, train.json last with the checksums and "format" added to `record`, which
/// holds "config" and "tokenizer_sha256". Throws kFailure.
void write_model(const std::filesystem::path& folder, std::span<const ArrayView> weights,
                 nlohmann::json record);

/// What is wrong with a file of which train.json has the SHA-256 `digest`; "" where nothing is.
std::string fault_of_file(const std::filesystem::path& path, const std::string& digest);

/// What is wrong with the folder's train.json, where it was cut or changed; "" where it is whole,
/// not there, or JSON of another program, which read_model_record() refuses.
std::string fault_of_record(const std::filesystem::path& folder);

inline constexpr const char* kRecord = "train.json";
inline constexpr const char* kWeights = "model.safetensors";
inline constexpr std::array kModelFiles{kWeights, kRecord};

/// train.json where the folder has one, else null; throws kBadInput where it is not a record of
/// this program.
nlohmann::json read_model_record(const std::filesystem::path& folder);

}  // namespace reprise
