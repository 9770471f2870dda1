#include "eval/trace/attributes.h"

#include "base/error.h"

namespace reprise {
namespace {

struct AttributeWriter {
  hdf5::Node& root;
  template <class T>
  void operator()(const char* name, const T& value) const {
    root.set(name, value);
  }
  void operator()(const char* name, const nlohmann::json& value) const {
    root.set(name, value.dump());
  }
  void operator()(const char* name, const std::vector<std::string>& texts) const {
    if (!texts.empty()) root.set(name, texts);
  }
};

struct AttributeReader {
  const hdf5::Node& root;
  void operator()(const char* name, int64_t& value) const { value = root.get_int(name); }
  void operator()(const char* name, double& value) const { value = root.get_double(name); }
  void operator()(const char* name, std::string& text) const { text = root.get_string(name); }
  void operator()(const char* name, std::vector<std::string>& texts) const {
    if (root.has(name)) texts = root.get_strings(name);
  }
  void operator()(const char* name, nlohmann::json& value) const {
    value = nlohmann::json::parse(root.get_string(name), nullptr, false);
    require(!value.is_discarded(), ExitCode::kInvalidTrace, root.place(), ": the attribute ", name,
            " is not JSON");
  }
};

}  // namespace

void write_attributes(hdf5::Node& root, TraceAttributes attributes) {
  attributes.visit(AttributeWriter{root});
}

TraceAttributes read_attributes(const hdf5::Node& root) {
  require(root.has("schema"), ExitCode::kInvalidTrace, root.place(),
          ": not a trace of this program");
  const int64_t schema = root.get_int("schema");
  require(schema == kTraceSchema, ExitCode::kInvalidTrace, root.place(), ": a trace of schema ",
          schema, ", this program reads ", kTraceSchema, "; evaluate again");
  TraceAttributes attributes;
  attributes.visit(AttributeReader{root});
  return attributes;
}

}  // namespace reprise
