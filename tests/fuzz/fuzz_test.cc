// Every target over its corpus and a fixed number of mutations of it: the short run, with any compiler.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/targets.h"

namespace millrace::fuzz {
namespace {

constexpr int kMutations = 3'000;

std::vector<std::string> Corpus(const std::string& target) {
  std::vector<std::filesystem::path> files;
  const std::filesystem::directory_iterator folder(std::filesystem::path(MILLRACE_CORPUS_DIR) / target);
  for (const auto& file : folder) files.push_back(file.path());
  std::sort(files.begin(), files.end());
  std::vector<std::string> seeds;
  for (const std::filesystem::path& file : files) {
    std::ifstream stream(file, std::ios::binary);
    seeds.emplace_back(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
  }
  return seeds;
}

class FuzzTest : public ::testing::TestWithParam<Target> {};

TEST_P(FuzzTest, HoldsItsPromisesForItsCorpus) {
  const std::vector<std::string> seeds = Corpus(GetParam().name);
  ASSERT_FALSE(seeds.empty());
  for (const std::string& bytes : seeds) EXPECT_EQ(GetParam().run(bytes), "") << absl::CHexEscape(bytes);
  EXPECT_EQ(GetParam().run(""), "");
}

TEST_P(FuzzTest, HoldsItsPromisesForBytesThatNobodyMeant) {
  const std::vector<std::string> seeds = Corpus(GetParam().name);
  ASSERT_FALSE(seeds.empty());
  std::mt19937_64 random(1);
  for (int i = 0; i < kMutations; ++i) {
    const std::string bytes = Mutate(seeds, random);
    ASSERT_EQ(GetParam().run(bytes), "") << "mutation " << i << ": " << absl::CHexEscape(bytes);
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, FuzzTest, ::testing::ValuesIn(Targets()), [](const auto& info) {
  // Names of tests are in CamelCase.
  std::string name;
  bool upper = true;
  for (const char* at = info.param.name; *at != '\0'; ++at) {
    if (*at != '_') name += upper ? static_cast<char>(*at - 'a' + 'A') : *at;
    upper = *at == '_';
  }
  return name;
});

}  // namespace
}  // namespace millrace::fuzz
