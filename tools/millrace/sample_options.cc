#include "tools/millrace/sample_options.h"

namespace millrace::cli {

void AddSampleOptions(CLI::App* command, SampleOptions& options, const char* first_help, const char* every_help) {
  auto* first = command->add_option("--sample-first", options.first, first_help)->type_name("N")->check(AtLeastOne());
  command->add_option("--sample-every", options.every, every_help)
      ->type_name("N")
      ->check(AtLeastOne())
      ->excludes(first);
}

}  // namespace millrace::cli
