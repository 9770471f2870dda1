#include "train/record_seal.h"

#include "base/json_text.h"
#include "base/options.h"

namespace reprise {
namespace {

constexpr const char* kSeal = "digest";

std::string seal_of(nlohmann::json record) {
  record.erase(kSeal);
  return digest_of(record);
}

}  // namespace

nlohmann::json sealed(nlohmann::json record) {
  record[kSeal] = seal_of(record);
  return record;
}

bool is_sealed(const nlohmann::json& record) {
  return record.is_object() && text_at(record, kSeal) == seal_of(record);
}

}  // namespace reprise
