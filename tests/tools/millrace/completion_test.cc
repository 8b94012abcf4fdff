#include "tools/millrace/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "tests/tools/millrace/cli_fixture.h"
#include "tools/harness/temporary_folder.h"
#include "tools/millrace/commands.h"

namespace millrace::cli {
namespace {

using ::testing::HasSubstr;

class CompletionTest : public CliFixture {
 protected:
  std::string Script(const std::string& shell) {
    EXPECT_EQ(Run({"completion", shell}), 0);
    return out();
  }

  /// What bash offers after `words`, the last of which is being typed.
  std::string BashOffers(const std::vector<std::string>& words) {
    std::string program = Script("bash") + "\nCOMP_WORDS=(";
    for (const std::string& word : words) program += "'" + word + "' ";
    program += ")\nCOMP_CWORD=" + std::to_string(words.size() - 1) + "\n_millrace\necho \"${COMPREPLY[*]}\"\n";
    const std::string command = "bash " + WriteFile("complete.sh", program) + " 2>&1";
    std::FILE* pipe = ::popen(command.c_str(), "r");
    std::string text;
    for (int c; (c = std::fgetc(pipe)) != EOF;) text.push_back(static_cast<char>(c));
    EXPECT_EQ(::pclose(pipe), 0) << text;
    return text;
  }
};

TEST_F(CompletionTest, EveryCommandAndOptionIsInEveryScript) {
  const std::string bash = Script("bash");
  const std::string zsh = Script("zsh");
  const std::string fish = Script("fish");
  CommandTree tree("server:1");
  int count = 0;
  const std::function<void(const CLI::App*, const std::string&)> visit = [&](const CLI::App* app,
                                                                             const std::string& path) {
    ++count;
    EXPECT_THAT(bash, HasSubstr("'" + path + "'"));
    EXPECT_THAT(zsh, HasSubstr("'" + path + "'"));
    EXPECT_THAT(fish, HasSubstr("'__millrace_at " + path + "'"));
    for (const CLI::Option* option : app->get_options()) {
      for (const std::string& name : option->get_lnames()) {
        EXPECT_THAT(bash, HasSubstr("--" + name));
        EXPECT_THAT(zsh, HasSubstr("'--" + name + ":"));
        EXPECT_THAT(fish, HasSubstr("-l " + name));
      }
    }
    for (const CLI::App* child : app->get_subcommands([](const CLI::App*) { return true; })) {
      visit(child, path + " " + child->get_name());
    }
  };
  visit(&tree.app(), "millrace");
  EXPECT_GT(count, 20);
}

TEST_F(CompletionTest, BashOffersCommands) {
  EXPECT_EQ(BashOffers({"millrace", "se"}), "services server\n");
  EXPECT_EQ(BashOffers({"millrace", "jobs", ""}).substr(0, 16), "submit list show");
}

TEST_F(CompletionTest, BashOffersOptionsOfTheCommandAndOfAll) {
  EXPECT_EQ(BashOffers({"millrace", "jobs", "list", "--s"}), "--state --service --since --sort --server\n");
  EXPECT_EQ(BashOffers({"millrace", "run", "demo/echo", "--rej"}), "--rejects\n");
}

TEST_F(CompletionTest, BashOffersTheValuesOfAChoice) {
  EXPECT_EQ(BashOffers({"millrace", "jobs", "list", "-o", ""}), "table json\n");
  EXPECT_EQ(BashOffers({"millrace", "jobs", "list", "--state", "CLO"}), "CLOSED CLOSED_BY_TIMEOUT\n");
  EXPECT_EQ(BashOffers({"millrace", "completion", "f"}), "fish\n");
}

TEST_F(CompletionTest, BashOffersNothingForFreeText) { EXPECT_EQ(BashOffers({"millrace", "run", "--name", ""}), "\n"); }

TEST_F(CompletionTest, UnknownShellsAreRefused) { EXPECT_EQ(Run({"completion", "csh"}), 2); }

}  // namespace
}  // namespace millrace::cli
