#include "server/webhooks/transfers.h"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netdb.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace millrace::webhooks {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::string_view kSilentHost = "silent.example.org";

/// A resolver that answers for one host only when it is told to.
class SilentResolver {
 public:
  static SilentResolver& Get() {
    static auto& resolver = *new SilentResolver;
    return resolver;
  }

  /// What getaddrinfo does for kSilentHost.
  void Ask() {
    absl::MutexLock lock(&mutex_);
    ++asked_;
    mutex_.Await(absl::Condition(&answers_));
    --asked_;
  }

  void AwaitAsked(int count) {
    const auto is_asked = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return asked_ == count; };
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(&is_asked));
  }

  /// Lets all that ask go.
  void Answer() {
    {
      absl::MutexLock lock(&mutex_);
      answers_ = true;
    }
    AwaitAsked(0);
    absl::MutexLock lock(&mutex_);
    answers_ = false;
  }

 private:
  absl::Mutex mutex_;
  int asked_ ABSL_GUARDED_BY(mutex_) = 0;
  bool answers_ ABSL_GUARDED_BY(mutex_) = false;
};

WebhookRequest RequestTo(const std::string& url) { return {.url = url, .headers = {}, .body = "{}"}; }

model::NoticeKey Notice() { return {.job = {"default", "job-1"}, .job_create_time = absl::UnixEpoch(), .number = 1}; }

class TransfersTest : public ::testing::Test {
 protected:
  TransfersTest() { setenv("no_proxy", "*", 1); }
  ~TransfersTest() override { SilentResolver::Get().Answer(); }
};

TEST_F(TransfersTest, AResolverThatDoesNotAnswerHoldsUpNobody) {
  Transfers transfers(absl::Seconds(1));
  transfers.Start(Notice(), RequestTo("http://silent.example.org/"));
  std::vector<FinishedTransfer> finished;
  // Whoever waited here for the resolver would wait for ever.
  while (finished.empty()) finished = transfers.Wait(absl::Seconds(1));
  EXPECT_EQ(finished.front().status, 0);
  EXPECT_THAT(finished.front().problem, Not(IsEmpty()));
  SilentResolver::Get().AwaitAsked(1);
}

TEST_F(TransfersTest, AResolverThatDoesNotAnswerHoldsUpNoEnd) {
  {
    Transfers transfers(absl::Hours(1));
    transfers.Start(Notice(), RequestTo("http://silent.example.org/"));
    transfers.Wait(absl::ZeroDuration());
    SilentResolver::Get().AwaitAsked(1);
  }
  SilentResolver::Get().AwaitAsked(1);
}

}  // namespace
}  // namespace millrace::webhooks

/// In place of that of the C library, which answers for all other hosts.
extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints, addrinfo** found) {
  using millrace::webhooks::SilentResolver;
  if (name != nullptr && std::string_view(name) == millrace::webhooks::kSilentHost) {
    SilentResolver::Get().Ask();
    return EAI_AGAIN;
  }
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): so dlsym gives functions
  static const auto real = reinterpret_cast<decltype(&getaddrinfo)>(dlsym(RTLD_NEXT, "getaddrinfo"));
  return real(name, service, hints, found);
}
