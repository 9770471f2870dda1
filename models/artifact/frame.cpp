#include "models/artifact/frame.h"

#include "models/artifact/section.h"

namespace reprise {

Artifact make_frame(const nlohmann::json& model, const std::string& tokenizer,
                    const std::string& tokenizer_model, const Directory& directory) {
  Artifact frame;
  frame.model = model;
  frame.tokenizer = tokenizer;
  frame.tokenizer_model = tokenizer_model;
  frame.directory = directory;
  const std::string listed = write_directory(directory);
  frame.directory_bytes = static_cast<int64_t>(listed.size());
  for (const SectionPlan& plan : plan_sections(directory, frame.directory_bytes,
                                               static_cast<int64_t>(tokenizer_model.size()))) {
    const bool of_weights = !plan.parts.empty();
    frame.sections.push_back(
        of_weights
            ? ""
            : encode_section(plan, plan.cause == Cause::kDirectory ? listed : tokenizer_model));
  }
  frame.digest = sections_digest(frame.sections);
  return frame;
}

}  // namespace reprise
