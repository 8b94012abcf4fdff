#include "server/rpc/listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "tests/support/status_matchers.h"

namespace millrace::rpc {
namespace {

using ::millrace::testing::IsError;
using ::testing::HasSubstr;

/// A connection to a port of this machine, as any client makes it.
class Connection {
 public:
  explicit Connection(int port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~Connection() { close(fd_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  bool connected() const { return connected_; }
  /// Waits until the other side has closed it.
  bool IsClosed() const {
    char byte = 0;
    return read(fd_, &byte, 1) == 0;
  }

 private:
  const int fd_;
  bool connected_ = false;
};

/// What a listener hands over.
class Accepted {
 public:
  ~Accepted() { CloseAll(); }

  void Add(int fd) {
    absl::MutexLock lock(&mutex_);
    fds_.push_back(fd);
  }
  void Await(size_t count) {
    absl::MutexLock lock(&mutex_);
    const auto enough = [this, count]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return fds_.size() >= count; };
    mutex_.Await(absl::Condition(&enough));
  }
  void CloseAll() {
    absl::MutexLock lock(&mutex_);
    for (const int fd : fds_) close(fd);
    fds_.clear();
  }

 private:
  absl::Mutex mutex_;
  std::vector<int> fds_ ABSL_GUARDED_BY(mutex_);
};

TEST(ListenerTest, HandsOverEveryConnection) {
  Accepted accepted;
  ASSERT_OK_AND_ASSIGN(const auto listener, Listener::Open("127.0.0.1:0", 1'000'000));
  listener->Start([&accepted](int fd) { accepted.Add(fd); });
  const Connection first(listener->port());
  const Connection second(listener->port());
  EXPECT_TRUE(first.connected() && second.connected());
  accepted.Await(2);
  EXPECT_EQ(listener->refused(), 0);
}

TEST(ListenerTest, RefusesWhatIsTooManyAndGoesOnWhenThereIsRoom) {
  Accepted accepted;
  // Some more than this process has; both ends of each connection are its own.
  const int next = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  close(next);
  const int64_t descriptor_max = next + 12;
  ASSERT_OK_AND_ASSIGN(const auto listener, Listener::Open("127.0.0.1:0", descriptor_max));
  listener->Start([&accepted](int fd) { accepted.Add(fd); });
  std::vector<std::unique_ptr<Connection>> connections;
  connections.reserve(20);
  for (int i = 0; i < 20; ++i) connections.push_back(std::make_unique<Connection>(listener->port()));
  EXPECT_TRUE(connections.back()->IsClosed());
  EXPECT_GT(listener->refused(), 0);
  connections.clear();
  accepted.CloseAll();
  const Connection late(listener->port());
  accepted.Await(1);
}

TEST(ListenerTest, NamesTheAddressThatIsTakenAndWhy) {
  ASSERT_OK_AND_ASSIGN(const auto listener, Listener::Open("127.0.0.1:0", 1'000'000));
  const std::string address = absl::StrCat("127.0.0.1:", listener->port());
  const absl::Status taken = Listener::Open(address, 1'000'000).status();
  EXPECT_THAT(taken, IsError(model::Reason::kServerNotReady));
  EXPECT_THAT(std::string(taken.message()), HasSubstr(absl::StrCat(address, ": another process has the port")));
}

TEST(ListenerTest, AStoppedListenerLeavesItsPort) {
  ASSERT_OK_AND_ASSIGN(const auto listener, Listener::Open("127.0.0.1:0", 1'000'000));
  listener->Start([](int fd) { close(fd); });
  listener->Stop();
  listener->Stop();
  EXPECT_FALSE(Connection(listener->port()).connected());
  EXPECT_TRUE(Listener::Open(absl::StrCat("127.0.0.1:", listener->port()), 1'000'000).ok());
}

}  // namespace
}  // namespace millrace::rpc
