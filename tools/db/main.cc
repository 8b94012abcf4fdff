// The real world around RunDb.
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "tools/db/db_cli.h"

int main(int argc, char** argv) {
  std::random_device device;
  return millrace::db::RunDb(std::vector<std::string>(argv + 1, argv + argc),
                             {.out = std::cout,
                              .err = std::cerr,
                              .clock = *millrace::model::SystemClock::Get(),
                              .random_seed = (uint64_t{device()} << 32) | device()});
}
