#include "tools/harness/silent_clients.h"

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"

namespace millrace::harness {
namespace {

// The preface of HTTP/2 and an empty SETTINGS frame.
constexpr char kGreeting[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";

}  // namespace

int64_t RaiseFileLimit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<int64_t>(limit.rlim_cur);
}

absl::Status SilentClients::Connect(int count) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port_));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const size_t wanted = sockets_.size() + static_cast<size_t>(count);
  while (sockets_.size() < wanted) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
      return absl::ResourceExhaustedError(absl::StrCat(wanted, " connections take as many open files, and after ",
                                                       sockets_.size(), " there are no more: see ulimit -n"));
    }
    if (fd < 0) return absl::ErrnoToStatus(errno, "socket");
    sockets_.push_back(fd);
    if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      return absl::ErrnoToStatus(errno, absl::StrCat("connection ", sockets_.size()));
    }
    // A server that refuses it closes it; NewestIsServed tells.
    static_cast<void>(send(fd, kGreeting, sizeof kGreeting - 1, MSG_NOSIGNAL));
  }
  return absl::OkStatus();
}

bool SilentClients::NewestIsServed() const {
  char byte = 0;
  return !sockets_.empty() && recv(sockets_.back(), &byte, 1, MSG_PEEK) == 1;
}

void SilentClients::CloseAll() {
  for (const int fd : sockets_) close(fd);
  sockets_.clear();
}

}  // namespace millrace::harness
