#include "base/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace reprise {

enum class Fruit { kApple, kPear };
template <>
struct EnumNames<Fruit> {
  static constexpr std::array names{std::pair{Fruit::kApple, "apple"},
                                    std::pair{Fruit::kPear, "pear"}};
};

namespace {
using testing::HasSubstr;

struct Basket {
  int64_t steps = 300;
  double rate = 0.04;
  bool quick = false;
  Fruit fruit = Fruit::kApple;
  std::string out;
  std::vector<std::string> words;
  template <class Visitor>
  void visit(Visitor&& field) {
    field("steps", steps, "steps", "steps to run");
    field("rate", rate, "", required("learning rate"));
    field("quick", quick, "", "skip the rest");
    field("fruit", fruit, "", "what to eat");
    field("out", out, "folder", "where to write");
    field("words", words, "", "words, in order");
  }
};

class OptionsTest : public testing::Test {
 protected:
  OptionsTest() : set_("eat", "eats") { set_.add("basket", basket_); }
  bool parse(std::vector<std::string> words) { return set_.parse(words); }
  std::string error_of(std::vector<std::string> words, ExitCode code = ExitCode::kUsage) {
    try {
      parse(std::move(words));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code);
      return error.what();
    }
    return "no error";
  }
  std::string file(const std::string& name, const std::string& text) {
    const auto path =
        std::filesystem::temp_directory_path() / concat("reprise-options-", ::getpid(), "-", name);
    std::ofstream(path) << text;
    return path.string();
  }
  Basket basket_;
  OptionSet set_;
};

TEST_F(OptionsTest, EveryTypeIsRead) {
  EXPECT_TRUE(parse({"--basket.steps", "-5", "--basket.rate=1e-3", "--basket.quick", "true",
                     "--basket.fruit", "pear", "--basket.words", "a, b,c"}));
  EXPECT_EQ(basket_.steps, -5);
  EXPECT_EQ(basket_.rate, 1e-3);
  EXPECT_TRUE(basket_.quick);
  EXPECT_EQ(basket_.fruit, Fruit::kPear);
  EXPECT_THAT(basket_.words, testing::ElementsAre("a", "b", "c"));
}

TEST_F(OptionsTest, LaterSourcesWin) {
  const auto first = file("1.ini", "[basket]\nsteps = 1\nrate = 0.1 # a comment\n");
  const auto second = file("2.ini", "[basket]\nsteps = 2\n");
  EXPECT_TRUE(parse({"--basket.fruit", "pear", "--config", first, "--config", second}));
  EXPECT_EQ(basket_.steps, 2);
  EXPECT_EQ(basket_.rate, 0.1);
  EXPECT_TRUE(parse({"--basket.steps", "3", "--config", first}));
  EXPECT_EQ(basket_.steps, 3) << "the command line wins wherever it stands";
}

TEST_F(OptionsTest, BadWordsGetOneLine) {
  EXPECT_EQ(error_of({"--basket.step", "3"}),
            "unknown option 'basket.step'; did you mean 'basket.steps'?");
  EXPECT_EQ(error_of({"--zzzzzzzzzz", "3"}), "unknown option 'zzzzzzzzzz'; see reprise eat --help");
  EXPECT_EQ(error_of({"--basket.steps", "3x"}), "--basket.steps: '3x' is not a whole number");
  EXPECT_EQ(error_of({"--basket.rate", "inf"}), "--basket.rate: 'inf' is not a finite number");
  EXPECT_EQ(error_of({"--basket.quick", "maybe"}),
            "--basket.quick: 'maybe' is neither true nor false");
  EXPECT_EQ(error_of({"--basket.fruit", "fig"}), "--basket.fruit: 'fig' is none of: apple, pear");
  EXPECT_EQ(error_of({"--basket.steps"}),
            "the required argument for option '--basket.steps' is missing");
  EXPECT_THAT(error_of({"stray"}), HasSubstr("stray word"));
  EXPECT_EQ(error_of({"--basket.words", "caf\xe9"}), "--basket.words: not UTF-8 at byte 3");
  const auto latin = file("latin.ini", "[basket]\nwords = caf\xe9\n");
  EXPECT_THAT(error_of({"--config", latin}, ExitCode::kBadInput),
              HasSubstr("latin.ini: not UTF-8 at byte 20"));
  EXPECT_EQ(error_of({"--steps", "3"}), "unknown option 'steps'; did you mean 'basket.steps'?");
  EXPECT_EQ(error_of({"--stesp", "3"}), "unknown option 'stesp'; did you mean 'basket.steps'?");
  EXPECT_EQ(error_of({"--train.fruit", "pear"}),
            "unknown option 'train.fruit'; did you mean 'basket.fruit'?");
  const auto bad = file("bad.ini", "[basket]\nstep = 1\n");
  EXPECT_THAT(error_of({"--config", bad}),
              HasSubstr("unknown option 'basket.step'; did you mean 'basket.steps'?"));
}

TEST_F(OptionsTest, AKeyWithoutASectionIsToldItsName) {
  EXPECT_THAT(error_of({"--config", file("bare.ini", "steps = 1\n")}),
              HasSubstr("unknown option 'steps'; did you mean 'basket.steps'?"));
}

TEST_F(OptionsTest, AByteOrderMarkIsNoPartOfTheFirstLine) {
  EXPECT_TRUE(parse({"--config", file("bom.ini", "\xEF\xBB\xBF[basket]\r\nsteps = 4\r\n")}));
  EXPECT_EQ(basket_.steps, 4);
}

TEST_F(OptionsTest, AKeyTwiceInOneFileIsRefused) {
  const auto twice = file("twice.ini",
                          "[basket]\nsteps = 1 # steps = 7\n# steps = 9\n\nrate = 1\n"
                          "[basket]\n steps = 2\n");
  EXPECT_EQ(error_of({"--config", twice}),
            twice + ": line 7 gives basket.steps a second time; keep one");
}

TEST_F(OptionsTest, ValuesAreTakenAsTheyStand) {
  EXPECT_TRUE(parse({"--config", file("quotes.ini", "[basket]\nout = \"a b\" # cut\n")}));
  EXPECT_EQ(basket_.out, "\"a b\"");
  EXPECT_THAT(set_.help(), HasSubstr("quotes are part of a value"));
}

TEST_F(OptionsTest, AFolderIsNoFileOfOptions) {
  try {
    parse({"--config", std::filesystem::temp_directory_path().string()});
    FAIL() << "read as an empty file";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kBadInput);
    EXPECT_THAT(error.what(), HasSubstr("cannot open"));
  }
}

TEST_F(OptionsTest, HelpShowsEveryOptionUnitAndDefault) {
  const std::string help = set_.help();
  for (const auto& option : set_.options()) EXPECT_THAT(help, HasSubstr(concat("--", option.name)));
  EXPECT_THAT(help, HasSubstr("--basket.steps (steps)\n      steps to run. Default: 300"));
  EXPECT_THAT(help, HasSubstr("--basket.rate\n      learning rate. Required\n"));
  EXPECT_THAT(help, HasSubstr("(apple|pear)"));
  testing::internal::CaptureStdout();
  EXPECT_FALSE(parse({"--help"}));
  EXPECT_EQ(testing::internal::GetCapturedStdout(), help);
}

TEST_F(OptionsTest, TheResolvedConfigurationReadsBack) {
  parse({"--basket.rate", "0.1", "--basket.words", "a,b", "--basket.fruit", "pear"});
  Basket other;
  OptionSet copy("eat", "eats");
  copy.add("basket", other);
  EXPECT_NE(copy.digest(), set_.digest());
  copy.read_json(set_.resolved());
  EXPECT_EQ(copy.resolved(), set_.resolved());
  EXPECT_EQ(copy.digest(), set_.digest());
  EXPECT_EQ(other.rate, 0.1);
}

}  // namespace
}  // namespace reprise
