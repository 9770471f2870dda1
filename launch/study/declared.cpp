#include "launch/study/declared.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "eval/unit.h"
#include "train/start.h"

namespace reprise {
namespace {

/// Given to every node by the study itself, or left to each: a calibration and a head are of one
/// model.
constexpr std::array kGivenByStudy{
    "data.out",       "train.corpus", "train.out",         "train.seed",       "train.threads",
    "pack.model",     "pack.corpus",  "pack.out",          "pack.calibration", "pack.gate",
    "eval.artifact",  "eval.corpus",  "eval.out",          "eval.threads",     "pack.threads",
    "verdict.study",  "verdict.out",  "verdict.recurrent", "verdict.static",   "report.verdict",
    "report.metrics", "report.out",   "report.ledgers",    "report.tokenizer"};

int64_t seed_of(const std::string& text) {
  int64_t seed = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
  require(error == std::errc() && end == text.data() + text.size() && seed >= 0, ExitCode::kUsage,
          "study.seeds: '", text, "' is not a whole number of at least 0");
  return seed;
}

void validate_seeds(const std::vector<std::string>& seeds) {
  require(!seeds.empty(), ExitCode::kUsage, "study.seeds is empty; name at least one");
  std::set<int64_t> seen;
  for (const auto& seed : seeds)
    require(seen.insert(seed_of(seed)).second, ExitCode::kUsage, "study.seeds names ",
            seed_of(seed), " twice");
}

void validate(const StudyOptions& study) {
  require(!study.arms.empty(), ExitCode::kUsage, "study.arms is empty; name at least one");
  validate_seeds(study.seeds);
  require(study.out.find_first_of(",#\n") == std::string::npos, ExitCode::kUsage, "study.out: '",
          study.out, "' has a comma, a # or a line break, which no list in a configuration file ",
          "can hold; give another");
  require(study.ranks >= 1, ExitCode::kUsage, "study.ranks must be at least 1");
  require(study.threads >= 1, ExitCode::kUsage, "study.threads must be at least 1");
  require(study.contrast.size() == 2, ExitCode::kUsage,
          "study.contrast names two arms: the recurrent one, then the static one");
}

const DeclaredArm& arm_named(const Declared& declared, const std::string& name) {
  const auto found = std::ranges::find(declared.arms, name, &DeclaredArm::name);
  const std::string near = nearest_name(name, declared.study.arms);
  require(found != declared.arms.end(), ExitCode::kUsage, "study.contrast: '", name,
          "' is no arm of the study", near.empty() ? "" : concat("; did you mean '", near, "'?"));
  return *found;
}

/// As the commands check it, with stand-ins for the paths they will be given.
void validate_commands(ArmOptions options) {
  options.train.corpus = options.train.out = "given";
  validate(options.model);
  validate(options.train, options.model);
  validate(options.pack);
  validate(options.use, options.model);
  validate(options.eval);
  (void)unit_options(options.eval, options.model);  // its windows fit the context
}

void validate(const DeclaredArm& arm, const DataOptions& data) {
  try {
    validate_commands(arm.options);
  } catch (const Error& error) {
    fail(error.code(), "arm ", arm.name, ": ", error.what());
  }
  require(!data.tokenizer.empty() || arm.options.model.vocab == data.vocab, ExitCode::kUsage,
          "arm ", arm.name, ": model.vocab is ", arm.options.model.vocab, " but data.vocab is ",
          data.vocab, "; a model reads the tokenizer's vocabulary");
}

/// In a study an arm starts from another by its name, with the same seed.
void validate_start(const DeclaredArm& arm, const std::list<DeclaredArm>& arms) {
  const std::string& start = arm.options.train.start_from;
  if (start.empty()) return;
  const auto own = std::ranges::find(arms, arm.name, &DeclaredArm::name);
  const auto found = std::find_if(arms.begin(), own,
                                  [&](const DeclaredArm& other) { return other.name == start; });
  require(found != own, ExitCode::kUsage, "arm ", arm.name, ": train.start-from is '", start,
          "'; in a study it names an arm that stands before this one in study.arms");
  try {
    require_start(arm.options.model, found->options.model);
  } catch (const Error& error) {
    fail(error.code(), "arm ", arm.name, ": ", error.what());
  }
}

/// What is evaluated alike in both arms: all options but whether there is a second pass, with the
/// windows that the model's context gives.
std::string scoring_of(const DeclaredArm& arm) {
  EvalOptions options = arm.options.eval;
  const WindowOptions windows = unit_options(options, arm.options.model).windows;
  options.window = windows.length;
  options.stride = windows.stride;
  options.refine = {};
  return OptionSet("", "").add("eval", options).digest();
}

void validate_contrast(const DeclaredArm& recurrent, const DeclaredArm& unshared) {
  const auto& first = recurrent.options;
  const auto& second = unshared.options;
  require(loops(first.model.family) && !loops(second.model.family), ExitCode::kUsage,
          "study.contrast: ", recurrent.name,
          " must be of a family whose core runs more than once (recurrent, relaxed, moe) and ",
          unshared.name, " of one whose layers run once (static, partial); C1 compares these");
  require(first.pack.bytes == second.pack.bytes, ExitCode::kUsage,
          "pack.bytes differ: ", recurrent.name, " ", first.pack.bytes, ", ", unshared.name, " ",
          second.pack.bytes, "; the verdict compares at equal bytes");
  require(first.pack.refine_share > 0, ExitCode::kUsage, "arm ", recurrent.name,
          ": pack.refine-share is 0, so there is no second pass to decide about");
  require(first.eval.refine != Refine::kOff, ExitCode::kUsage, "arm ", recurrent.name,
          ": eval.refine is off, so there is no second pass to decide about");
  require(first.eval.split == Split::kTest, ExitCode::kUsage, "eval.split is ",
          enum_name(first.eval.split),
          "; models are trained on train and gates set on valid, claims are decided on test");
  for (const DeclaredArm* arm : {&recurrent, &unshared}) {
    const ArmOptions& options = arm->options;
    require(options.train.objective.refinement.rule == KeyRule::kCoarse &&
                (options.eval.key_rule == RuleChoice::kCoarse ||
                 options.eval.key_rule == RuleChoice::kStored),
            ExitCode::kUsage, "arm ", arm->name,
            ": train.key-rule and eval.key-rule must be coarse: under another rule no column of a "
            "trace tells what every gate predicted, and the verdict refuses it");
    require(
        options.eval.refinements == 1 && options.eval.coda == CodaRun::kAgain, ExitCode::kUsage,
        "arm ", arm->name,
        ": eval.refinements must be 1 and eval.coda again: else no column of a trace tells what "
        "every gate predicted, and the verdict refuses it");
    require(options.eval.gate.empty(), ExitCode::kUsage, "arm ", arm->name,
            ": eval.gate takes thresholds of one artifact's curves, which a study makes only "
            "later; leave it out, and the artifact's own gate runs");
  }
  require(scoring_of(recurrent) == scoring_of(unshared), ExitCode::kUsage,
          "[eval], or the context it follows, differs between ", recurrent.name, " and ",
          unshared.name, "; both are scored alike");
}

}  // namespace

void ArmOptions::bind(OptionSet& set, const std::string& prefix) {
  set.add(prefix + "model", model)
      .add(prefix + "train", train)
      .add(prefix + "pack", pack)
      .add(prefix + "use", use)
      .add(prefix + "eval", eval);
}

OptionSet Declared::bind() {
  OptionSet set("study",
                "plan, run or show a study: reprise study plan|run|status --study.file FILE; "
                "plan and status take --json");
  set.add("study", study).add("data", data);
  all.bind(set, "");
  set.add("verdict", verdict).add("report", report);
  for (auto& arm : arms) arm.options.bind(set, arm.name + ".");
  return set;
}

void validate(const Declared& declared) {
  validate(declared.study);
  require(!declared.data.source.empty(), ExitCode::kUsage, "data.source names no text");
  for (const auto& arm : declared.arms) {
    validate(arm, declared.data);
    validate_start(arm, declared.arms);
  }
  validate_contrast(arm_named(declared, declared.study.contrast[0]),
                    arm_named(declared, declared.study.contrast[1]));
  validate(declared.verdict);
  validate(declared.report);
}

void require_unset(Declared& declared) {
  Declared fresh;
  for (const auto& arm : declared.arms) fresh.arms.push_back({arm.name, {}});
  const OptionSet now = declared.bind(), defaults = fresh.bind();
  for (size_t i = 0; i < now.options().size(); ++i) {
    const Option& option = now.options()[i];
    const bool given = std::ranges::any_of(kGivenByStudy, [&](std::string_view name) {
      return option.name == name || option.name.ends_with(concat(".", name));
    });
    require(!given || option.get() == defaults.options()[i].get(), ExitCode::kUsage, option.name,
            " is given by the study to each of its runs; leave it out");
  }
}

}  // namespace reprise
