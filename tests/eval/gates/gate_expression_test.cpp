// Gates in words: read, printed, refused; several margins made one.
#include "eval/gates/gate_expression.h"

#include <gmock/gmock.h>

#include "tests/eval/gates/special_numbers.h"

namespace reprise {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::string refusal(const char* text) {
  try {
    parse_gate(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    return error.what();
  }
  return "";
}

TEST(GateExpression, ReadsOneSignalOrSeveral) {
  EXPECT_EQ(parse_gate("entropy"), (GateExpression{{Signal::kEntropy}, Join::kAll}));
  EXPECT_EQ(parse_gate(" entropy&residual "),
            (GateExpression{{Signal::kEntropy, Signal::kResidual}, Join::kAll}));
  EXPECT_EQ(parse_gate("entropy | divergence|flip"),
            (GateExpression{{Signal::kEntropy, Signal::kDivergence, Signal::kFlip}, Join::kAny}));
}

TEST(GateExpression, PrintsWhatItReads) {
  for (const auto& [signal, name] : EnumNames<Signal>::names)
    EXPECT_EQ(to_text(parse_gate(name)), name);
  for (const char* text : {"entropy & residual", "max-probability | cosine | head"})
    EXPECT_EQ(to_text(parse_gate(text)), text);
}

TEST(GateExpression, RefusesWhatIsNoGate) {
  EXPECT_THAT(refusal("entrapy"), AllOf(HasSubstr("unknown signal 'entrapy'"),
                                        HasSubstr("entropy, max-probability, margin")));
  EXPECT_THAT(refusal("entropy & margin | flip"), HasSubstr("mixes & and |"));
  EXPECT_THAT(refusal("entropy & entropy"), HasSubstr("twice"));
  for (const char* text : {"", " ", "entropy &", "| entropy", "entropy & & margin"})
    EXPECT_THAT(refusal(text), HasSubstr("no signal where one is due")) << text;
}

TEST(GateExpression, SaysOnceWhatItMaySee) {
  EXPECT_THAT(
      may_see(parse_gate("entropy & margin & residual")),
      ElementsAre("own and earlier tokens", "coarse prediction", "states between the base passes"));
}

TEST(JointMargin, IsTheLeastOfAllAndTheLargestOfAny) {
  const std::vector<float> scores{3, 5}, thresholds{1, 6};
  EXPECT_EQ(joint_margin(scores, thresholds, Join::kAll), -1);
  EXPECT_EQ(joint_margin(scores, thresholds, Join::kAny), 2);
}

TEST(JointMargin, LetsNoNanThroughButToAll) {
  EXPECT_LT(joint_margin({{kNan, 5}}, {{1, 1}}, Join::kAll), 0);
  EXPECT_GT(joint_margin({{kNan, 5}}, {{1, 1}}, Join::kAny), 0);
  EXPECT_LT(joint_margin({{kNan, kNan}}, {{1, 1}}, Join::kAny), 0);
  EXPECT_GT(joint_margin({{kNan, -kInfinity}}, {{-kInfinity, -kInfinity}}, Join::kAll), 0);
  EXPECT_LT(joint_margin({{kInfinity, kInfinity}}, {{kInfinity, kInfinity}}, Join::kAny), 0);
}

}  // namespace
}  // namespace reprise
