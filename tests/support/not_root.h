// Tests run as root in CI, and root may do everything: this is for tests of what is not allowed.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

namespace millrace::testing {

/// Root may write everywhere; for its lifetime, the process is somebody who may not.
class NotRoot {
 public:
  NotRoot() : before_(geteuid()) {
    if (before_ == 0) {
      EXPECT_EQ(seteuid(kNobody), 0);
    }
  }
  ~NotRoot() { EXPECT_EQ(seteuid(before_), 0); }
  NotRoot(const NotRoot&) = delete;
  NotRoot& operator=(const NotRoot&) = delete;

 private:
  static constexpr uid_t kNobody = 65534;
  const uid_t before_;
};

}  // namespace millrace::testing
