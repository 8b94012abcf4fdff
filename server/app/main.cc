#include "server/app/application.h"
#include "server/app/config.h"

int main(int argc, char** argv) {
  const millrace::app::ParsedConfig parsed = millrace::app::ParseConfig(argc, argv);
  if (!parsed.config.has_value()) return parsed.exit_code;
  return millrace::app::Run(*parsed.config);
}
