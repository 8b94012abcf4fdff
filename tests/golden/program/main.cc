// Makes what is kept under tests/golden:
//   millrace_golden write FOLDER      a new data folder, as the present code writes it
//   millrace_golden describe FOLDER   what can be seen in a folder; works on a copy
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tests/golden/golden_folder.h"
#include "tools/harness/temporary_folder.h"

int main(int argc, char** argv) {
  const std::string_view verb = argc == 3 ? argv[1] : "";
  absl::Status status = absl::InvalidArgumentError("expected: write FOLDER, or describe FOLDER");
  if (verb == "write") status = millrace::golden::WriteGoldenFolder(argv[2]);
  if (verb == "describe") {
    const millrace::harness::TemporaryFolder folder;
    const std::filesystem::path copy = folder.path() / "data";
    std::filesystem::copy(argv[2], copy);
    const absl::StatusOr<std::string> text = millrace::golden::DescribeFolder(copy);
    status = text.status();
    if (text.ok()) std::fputs(text->c_str(), stdout);
  }
  if (status.ok()) return EXIT_SUCCESS;
  std::fprintf(stderr, "millrace_golden: %s\n", status.ToString().c_str());
  return EXIT_FAILURE;
}
