#include "server/rpc/listener.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "spdlog/spdlog.h"
#include "storage/model/errors.h"

namespace millrace::rpc {
namespace {

// Clients that come all at once after a restart.
constexpr int kBacklog = 4'096;
// How long nothing is accepted when there is not even a spare descriptor.
constexpr int kExhaustedPauseMs = 100;

absl::Status CannotListen(const std::string& address, const std::string& why) {
  return model::MakeError(model::Reason::kServerNotReady,
                          absl::StrCat("cannot listen on ", address, ": ", why, "; choose another with --listen"));
}

std::string WhyError(int error) { return error == EADDRINUSE ? "another process has the port" : std::strerror(error); }

/// The addresses that a name stands for; free with freeaddrinfo.
absl::StatusOr<addrinfo*> Resolve(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos) return CannotListen(address, "expected HOST:PORT");
  std::string host = address.substr(0, colon);
  if (absl::StartsWith(host, "[") && absl::EndsWith(host, "]")) host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int error =
      getaddrinfo(host.empty() ? nullptr : host.c_str(), address.substr(colon + 1).c_str(), &hints, &found);
  if (error != 0) return CannotListen(address, gai_strerror(error));
  return found;
}

void SetPort(sockaddr* address, int port) {
  if (address->sa_family == AF_INET6) {
    reinterpret_cast<sockaddr_in6*>(address)->sin6_port = htons(static_cast<uint16_t>(port));
  } else {
    reinterpret_cast<sockaddr_in*>(address)->sin_port = htons(static_cast<uint16_t>(port));
  }
}

int PortOf(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<sockaddr_in6*>(&address)->sin6_port);
  return ntohs(reinterpret_cast<sockaddr_in*>(&address)->sin_port);
}

/// A socket that listens; -1 and errno where there is none.
int ListenOn(const addrinfo& where, bool only_v6) {
  const int fd = socket(where.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const int on = 1;
  const int v6 = only_v6 ? 1 : 0;
  // A restart must not wait for connections of the last run; a server beside this one is refused all the same.
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // Connections inherit it: an answer is never held back for more of it.
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (where.ai_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6, sizeof v6);
  if (bind(fd, where.ai_addr, where.ai_addrlen) == 0 && listen(fd, kBacklog) == 0) return fd;
  const int error = errno;
  close(fd);
  errno = error;
  return -1;
}

int OpenSpare() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }

bool IsOutOfFiles(int error) { return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM; }

}  // namespace

int64_t RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(setrlimit(RLIMIT_NOFILE, &limit));
  getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<int64_t>(std::min<rlim_t>(limit.rlim_cur, INT32_MAX));
}

absl::StatusOr<std::unique_ptr<Listener>> Listener::Open(const std::string& address, int64_t descriptor_max) {
  const absl::StatusOr<addrinfo*> found = Resolve(address);
  if (!found.ok()) return found.status();
  std::unique_ptr<Listener> listener(new Listener(descriptor_max, eventfd(0, EFD_CLOEXEC), OpenSpare()));
  absl::Status failure;
  bool taken = false;
  for (addrinfo* where = *found; where != nullptr; where = where->ai_next) {
    // All addresses of a name share the port that the system chose for the first.
    if (listener->port_ != 0) SetPort(where->ai_addr, listener->port_);
    const int fd = ListenOn(*where, /*only_v6=*/(*found)->ai_next != nullptr);
    if (fd >= 0) {
      listener->sockets_.push_back(fd);
      listener->port_ = PortOf(fd);
      continue;
    }
    const int error = errno;
    // A name of which another process has a part would lead half of the clients to it.
    taken = error == EADDRINUSE;
    if (failure.ok() || taken) failure = CannotListen(address, WhyError(error));
    if (taken) break;
  }
  freeaddrinfo(*found);
  if (taken || listener->sockets_.empty()) return failure;
  return listener;
}

Listener::~Listener() {
  Stop();
  close(stop_);
  if (spare_ >= 0) close(spare_);
}

void Listener::Start(OnConnection on_connection) {
  on_connection_ = std::move(on_connection);
  thread_ = std::thread([this] { Run(); });
}

void Listener::Stop() {
  if (thread_.joinable()) {
    const uint64_t one = 1;
    static_cast<void>(write(stop_, &one, sizeof one));
    thread_.join();
  }
  for (const int fd : sockets_) close(fd);
  sockets_.clear();
}

void Listener::Run() {
  std::vector<pollfd> waiting = {{.fd = stop_, .events = POLLIN, .revents = 0}};
  for (const int fd : sockets_) waiting.push_back({.fd = fd, .events = POLLIN, .revents = 0});
  for (;;) {
    static_cast<void>(poll(waiting.data(), waiting.size(), -1));
    if (waiting[0].revents != 0) return;
    for (size_t i = 1; i < waiting.size(); ++i) {
      if (waiting[i].revents != 0) AcceptAll(waiting[i].fd);
    }
  }
}

void Listener::AcceptAll(int socket) {
  for (;;) {
    const int fd = accept4(socket, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0 && fd < descriptor_max_) {
      on_connection_(fd);
    } else if (fd >= 0) {
      Refuse(fd);
    } else if (IsOutOfFiles(errno)) {
      return RefuseOneWithTheSpare(socket);
    } else if (errno == EAGAIN) {
      return;
    }
    // Any other error is that of one connection, which is gone.
  }
}

void Listener::Refuse(int fd) {
  close(fd);
  const int64_t count = ++refused_;
  // Again when there are twice as many: a flood must not flood the log.
  if ((count & (count - 1)) != 0) return;
  spdlog::warn(
      "refused {} connections so far: connections may use {} open files at most; close some, or allow the server more "
      "(ulimit -n, or LimitNOFILE= of systemd)",
      count, descriptor_max_);
}

void Listener::RefuseOneWithTheSpare(int socket) {
  if (spare_ >= 0) close(spare_);
  const int fd = accept4(socket, nullptr, nullptr, SOCK_CLOEXEC);
  if (fd >= 0) Refuse(fd);
  spare_ = OpenSpare();
  if (fd >= 0) return;
  // Not even that: look again a little later, but end at once.
  pollfd stop{.fd = stop_, .events = POLLIN, .revents = 0};
  static_cast<void>(poll(&stop, 1, kExhaustedPauseMs));
}

}  // namespace millrace::rpc
