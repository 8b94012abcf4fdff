#include "tools/harness/http_receiver.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace millrace::harness {
namespace {

/// Takes the head of a request off `bytes`: what its first line and its headers say. Nullopt: it is not whole yet.
std::optional<HttpReceiver::Request> TakeHead(std::string& bytes) {
  const size_t end = bytes.find("\r\n\r\n");
  if (end == std::string::npos) return std::nullopt;
  HttpReceiver::Request request;
  const size_t path = bytes.find(' ') + 1;
  request.path = bytes.substr(path, bytes.find(' ', path) - path);
  for (size_t at = bytes.find("\r\n"); at < end;) {
    const size_t begin = at + 2;
    at = bytes.find("\r\n", begin);
    const std::string line = bytes.substr(begin, at - begin);
    const size_t colon = line.find(':');
    const std::string value(absl::StripAsciiWhitespace(line.substr(colon + 1)));
    request.headers[absl::AsciiStrToLower(line.substr(0, colon))] = value;
  }
  bytes.erase(0, end + 4);
  return request;
}

size_t LengthOf(const HttpReceiver::Request& request) {
  const auto length = request.headers.find("content-length");
  uint64_t bytes = 0;
  return length != request.headers.end() && absl::SimpleAtoi(length->second, &bytes) ? bytes : 0;
}

/// Reads more behind `bytes`. False at the end.
bool ReadMore(int connection, std::string& bytes) {
  std::array<char, 4096> buffer{};
  const ssize_t got = recv(connection, buffer.data(), buffer.size(), 0);
  if (got > 0) bytes.append(buffer.data(), static_cast<size_t>(got));
  return got > 0;
}

}  // namespace

HttpReceiver::HttpReceiver(Answer answer, int port)
    : answer_(std::move(answer)), listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const int on = 1;
  setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const place = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener_, place, size) != 0 || listen(listener_, 64) != 0 || getsockname(listener_, place, &size) != 0) {
    std::abort();
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

HttpReceiver::~HttpReceiver() {
  {
    absl::MutexLock lock(&mutex_);
    ending_ = true;
    for (const int connection : connections_) shutdown(connection, SHUT_RDWR);
  }
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  for (std::thread& server : servers_) server.join();
  close(listener_);
}

std::string HttpReceiver::Url(const std::string& path) const { return absl::StrCat("http://127.0.0.1:", port_, path); }

std::vector<HttpReceiver::Request> HttpReceiver::requests() const {
  absl::MutexLock lock(&mutex_);
  return requests_;
}

std::vector<HttpReceiver::Request> HttpReceiver::Await(size_t count) const {
  absl::MutexLock lock(&mutex_);
  const auto has_come = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return requests_.size() >= count; };
  mutex_.Await(absl::Condition(&has_come));
  return requests_;
}

void HttpReceiver::Accept() {
  for (;;) {
    const int connection = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) return;
    absl::MutexLock lock(&mutex_);
    connections_.insert(connection);
    if (ending_) shutdown(connection, SHUT_RDWR);
    servers_.emplace_back([this, connection] { Serve(connection); });
  }
}

void HttpReceiver::Serve(int connection) {
  std::string bytes;
  std::optional<Request> request;
  bool is_open = true;
  while (is_open && !(request = TakeHead(bytes)).has_value()) is_open = ReadMore(connection, bytes);
  while (is_open && bytes.size() < LengthOf(*request)) is_open = ReadMore(connection, bytes);
  if (is_open) {
    request->body = std::move(bytes);
    const int status = answer_(*request);
    {
      absl::MutexLock lock(&mutex_);
      requests_.push_back(*std::move(request));
    }
    const std::string reply = absl::StrCat("HTTP/1.1 ", status, " x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    if (status != 0) send(connection, reply.data(), reply.size(), MSG_NOSIGNAL);
    // Without an answer, until the other side or the receiver ends.
    while (status == 0 && ReadMore(connection, bytes)) {
    }
  }
  absl::MutexLock lock(&mutex_);
  connections_.erase(connection);
  close(connection);
}

}  // namespace millrace::harness
