// Study files: what holds for all arms and what for one, and what is refused before anything runs.
#include "launch/study/study_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/file.h"
#include "tests/support/temporary_folder.h"

namespace reprise {
namespace {

using testing::HasSubstr;

constexpr const char* kStudy = R"(
[static.model]
family = static
core = 3
passes = 1
[study]
arms = recurrent, static
contrast = recurrent, static
seeds = 1, 2
[data]
source = text
vocab = 512
[model]
vocab = 512
width = 128
[train]
steps = 20
[recurrent.train]
steps = 30
[pack]
bytes = 200000
[verdict]
margin-bpb = 0.002
)";

class StudyFile : public testing::Test {
 protected:
  Study read(const std::string& text, std::vector<std::string> words = {}) {
    write_file(path(), text);
    words.insert(words.begin(), {"--study.file", path()});
    return *read_study(words);
  }

  /// The line with which `text` is refused.
  std::string refusal(const std::string& text, const std::vector<std::string>& words = {}) {
    try {
      read(text, words);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kUsage) << error.what();
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
      return error.what();
    }
    ADD_FAILURE() << "accepted";
    return "";
  }

  std::string path() const { return (folder_ / "tiny.ini").string(); }

  TemporaryFolder folder_;
};

std::string with(std::string text, const std::string& line, const std::string& other) {
  const size_t at = text.find(line);
  EXPECT_NE(at, std::string::npos) << line;
  return text.replace(at, line.size(), other);
}

TEST_F(StudyFile, GivesEachArmWhatHoldsForAllAndThenItsOwn) {
  const Study study = read(kStudy);
  ASSERT_EQ(study.arms.size(), 2u);
  const auto& recurrent = study.arms[0].options;
  const auto& unshared = study.arms[1].options;
  EXPECT_EQ(recurrent["model"]["width"], 128);
  EXPECT_EQ(unshared["model"]["width"], 128);
  EXPECT_EQ(recurrent["model"]["family"], "recurrent");
  EXPECT_EQ(unshared["model"]["family"], "static");  // though its section stands first
  EXPECT_EQ(recurrent["train"]["steps"], 30);
  EXPECT_EQ(unshared["train"]["steps"], 20);
  EXPECT_EQ(study.options.out, "runs/tiny");
  EXPECT_EQ(study.shared["verdict"]["study"], path());
}

TEST_F(StudyFile, TheCommandLineComesLast) {
  const Study study = read(kStudy, {"--train.steps", "5", "--static.train.steps", "6"});
  EXPECT_EQ(study.arms[0].options["train"]["steps"], 30);  // what is said of one arm stays
  EXPECT_EQ(study.arms[1].options["train"]["steps"], 6);
}

TEST_F(StudyFile, GivesThreadsToTrainingAndEvaluation) {
  const Study study = read(kStudy, {"--study.threads", "2"});
  EXPECT_EQ(study.arms[0].options["train"]["threads"], 2);
  EXPECT_EQ(study.arms[1].options["eval"]["threads"], 2);
}

TEST_F(StudyFile, RefusesNamesNobodyDeclared) {
  EXPECT_THAT(refusal(with(kStudy, "steps = 30", "stepps = 30")),
              HasSubstr("unknown option 'recurrent.train.stepps'; did you mean "
                        "'recurrent.train.steps'?"));
  EXPECT_THAT(refusal(with(kStudy, "[recurrent.train]", "[recurent.train]")),
              HasSubstr("did you mean 'recurrent.train.steps'?"));
  EXPECT_THAT(refusal(with(kStudy, "contrast = recurrent", "contrast = recurent")),
              HasSubstr("no arm of the study; did you mean 'recurrent'?"));
}

TEST_F(StudyFile, AnArmStartsFromOneBeforeIt) {
  const std::string start = "[recurrent.train]\nstart-from = static\n";
  const std::string study = with(kStudy, "[recurrent.train]\n", start);
  EXPECT_THAT(refusal(study), HasSubstr("arm recurrent: train.start-from is 'static'; in a study "
                                        "it names an arm that stands before this one"));
  const std::string in_order = with(study, "arms = recurrent, static", "arms = static, recurrent");
  // Of one layer each, a recurrent model of two passes stands for two layers of its core.
  EXPECT_THAT(refusal(in_order), HasSubstr("the model to start from has 5 layers; this one stands "
                                           "for 6"));
  const Study accepted = read(with(in_order, "core = 3", "core = 4"));
  EXPECT_EQ(accepted.arms[1].options["train"]["start-from"], "static");
}

TEST_F(StudyFile, RefusesWhatCannotBeCompared) {
  EXPECT_THAT(refusal(with(kStudy, "contrast = recurrent, static", "contrast = static, recurrent")),
              HasSubstr("static must be of a family whose core runs more than once"));
  EXPECT_THAT(refusal(std::string(kStudy) + "[static.pack]\nbytes = 300000\n"),
              HasSubstr("pack.bytes differ: recurrent 200000, static 300000"));
  EXPECT_THAT(refusal(std::string(kStudy) + "[static.eval]\nstride = 16\n"),
              HasSubstr("[eval], or the context it follows, differs"));
  EXPECT_THAT(refusal(std::string(kStudy) + "[static.model]\ncontext = 32\n"),
              HasSubstr("[eval], or the context it follows, differs"));
  EXPECT_THAT(refusal(std::string(kStudy) + "[recurrent.eval]\nrefine = off\n"),
              HasSubstr("eval.refine is off"));
  EXPECT_THAT(refusal(std::string(kStudy) + "[eval]\nsplit = valid\n"),
              HasSubstr("claims are decided on test"));
  EXPECT_THAT(refusal(std::string(kStudy) + "[recurrent.pack]\nrefine-share = 0\n"),
              HasSubstr("no second pass"));
  EXPECT_THAT(refusal(std::string(kStudy) + "[eval]\nseed = -1\n"),
              HasSubstr("--eval.seed must not be negative"));
  EXPECT_THAT(refusal(with(kStudy, "vocab = 512\nwidth", "vocab = 640\nwidth")),
              HasSubstr("model.vocab is 640 but data.vocab is 512"));
}

TEST_F(StudyFile, RefusesWhatAModelCannotBe) {
  EXPECT_THAT(refusal(with(kStudy, "width = 128", "width = 130")), HasSubstr("arm recurrent: "));
}

TEST_F(StudyFile, RefusesSeedsArmsAndAMarginThatAreNotThere) {
  EXPECT_THAT(refusal(with(kStudy, "seeds = 1, 2", "seeds = 1, two")), HasSubstr("'two' is not"));
  EXPECT_THAT(refusal(with(kStudy, "seeds = 1, 2", "seeds = 1, 1")), HasSubstr("1 twice"));
  EXPECT_THAT(refusal(with(kStudy, "seeds = 1, 2", "seeds = 1, 01")), HasSubstr("1 twice"));
  EXPECT_THAT(refusal(with(kStudy, "arms = recurrent, static", "arms = recurrent, static, static")),
              HasSubstr("study.arms names static twice"));
  EXPECT_THAT(refusal(with(kStudy, "arms = recurrent, static", "")), HasSubstr("unknown option"));
  EXPECT_THAT(refusal(with(kStudy, "arms = recurrent, static", "arms = recurrent, Static!")),
              HasSubstr("small letters"));
  EXPECT_THAT(refusal(with(kStudy, "arms = recurrent, static", "arms = recurrent, static, eval")),
              HasSubstr("the name of a section"));
  EXPECT_THAT(refusal(with(kStudy, "margin-bpb = 0.002", "")),
              HasSubstr("verdict.margin-bpb must be above 0"));
  EXPECT_THAT(refusal(with(kStudy, "source = text", "")), HasSubstr("names no text"));
}

TEST_F(StudyFile, RefusesWhatALaterRunWouldRefuse) {
  EXPECT_THAT(refusal(kStudy, {"--study.out=a,b"}), HasSubstr("study.out: 'a,b' has a comma"));
  EXPECT_THAT(refusal(kStudy, {"--study.out=runs/#1"}), HasSubstr("study.out: 'runs/#1' has"));
  EXPECT_THAT(refusal(with(kStudy, "margin-bpb = 0.002", "margin-bpb = 0.002\nseed = -1")),
              HasSubstr("verdict.seed is negative"));
  EXPECT_THAT(refusal(kStudy, {"--report.tokens=0"}), HasSubstr("report.tokens must be above 0"));
  EXPECT_THAT(refusal(kStudy, {"--eval.window=100000"}),
              HasSubstr("longer than the model's context"));
}

TEST_F(StudyFile, ReadsOneWithAByteOrderMark) {
  EXPECT_EQ(read(concat("\xEF\xBB\xBF", kStudy)).arms.size(), read(kStudy).arms.size());
}

TEST_F(StudyFile, RefusesWhatTheStudyGivesItself) {
  EXPECT_THAT(refusal(with(kStudy, "steps = 20", "seed = 7")), HasSubstr("train.seed is given"));
  EXPECT_THAT(refusal(kStudy, {"--static.eval.threads", "2"}),
              HasSubstr("static.eval.threads is given by the study"));
  EXPECT_THAT(refusal(kStudy, {"--static.pack.calibration", "one/for/all"}),
              HasSubstr("static.pack.calibration is given by the study"));
}

TEST_F(StudyFile, RefusesToChangeWhatWasDeclared) {
  EXPECT_THAT(refusal(kStudy, {"--verdict.margin-bpb", "0.1"}),
              HasSubstr("--verdict.margin-bpb is not what " + path() + " declares"));
  EXPECT_THAT(refusal(kStudy, {"--verdict.confidence", "0.6"}),
              HasSubstr("--verdict.confidence is not what"));
  const std::string more = folder_ / "more.ini";
  write_file(more, "[verdict]\nmargin-bpb = 0.5\n");
  EXPECT_THAT(refusal(kStudy, {"--config", more}), HasSubstr("--verdict.margin-bpb is not what"));
  EXPECT_THAT(refusal(kStudy, {"--study.arms", "recurrent"}), HasSubstr("in the study file alone"));
}

TEST(StudyFileMissing, IsBadInput) {
  const std::vector<std::string> words{"--study.file", "/nowhere/study.ini"};
  try {
    read_study(words);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kBadInput);
  }
}

}  // namespace
}  // namespace reprise
