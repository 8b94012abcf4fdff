// Pushes a stream of chunks while the caller makes the next ones.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "millrace/v1/pipeline_service.pb.h"

namespace millrace::client {

class Pipeline;

/// How a Pusher works. Validated by Pipeline::NewPusher.
struct PusherOptions {
  // Behaviour.

  /// Called for each chunk that is stored, in the order of Push, one call at a time, on a thread of the pusher. Must
  /// not call the pusher. Empty: not wanted.
  std::function<void(const v1::PushedChunk&)> on_stored;
  /// Called with the status of the pipeline after each call that stored chunks; otherwise as `on_stored`.
  std::function<void(const v1::PipelineStatus&)> on_status;
  /// Stops the pusher: chunks that are not stored by then fail with CANCELLED.
  std::stop_token stop;

  // Performance.

  // Chunks go through a PushStream, one after the other and many on their way. The next two are for servers without
  // one, where chunks go through calls of Push.

  /// Calls on their way at once, 1 to 64. With 1 the server numbers chunks in the order of Push, as in a stream. More is
  /// faster over a slow network, but chunks of neighbouring calls may then change places.
  int max_calls_in_flight = 1;
  /// Chunks that wait are sent together, up to this many bytes a call (and 1,000 chunks); a larger chunk goes alone.
  /// 1 byte to 64 MiB.
  int64_t max_bytes_per_call = 1024 * 1024;
  /// Push waits while chunks of more bytes than this are not stored yet. At least 1 byte; a larger chunk goes alone.
  int64_t max_bytes_in_flight = 8 * 1024 * 1024;
};

/// OK, or INVALID_ARGUMENT that names the option that is wrong.
absl::Status Validate(const PusherOptions& options);

/// Pushes chunks in the background, as many at a time as the window allows. Made by Pipeline::NewPusher; thread-safe.
///
/// A stream that breaks is mended: what was not answered is sent again under the same ids, which doubles nothing. The
/// first of it goes through a call of Push, which is as patient as RetryOptions say. So a pusher outlasts a restart of
/// the server. It waits while the input buffer of the pipeline is full: so pull from another
/// thread or program, or both ends may wait for each other for ever.
///
/// The first chunk that is refused stops the pusher: later chunks are not stored. The message of the error names the
/// chunk. Errors are those of Push.
class Pusher {
 public:
  /// Abandons what is not stored yet; Flush first. Waits for callbacks that run.
  ~Pusher();
  Pusher(const Pusher&) = delete;
  Pusher& operator=(const Pusher&) = delete;

  /// Takes a chunk to be stored, and returns the id that it got (see Pipeline::Push). Waits while the window is full.
  /// Returns the first error once there is one. CHUNK_TOO_LARGE for a chunk of more than 64 MiB, which is not taken and
  /// stops nothing.
  absl::StatusOr<std::string> Push(v1::Chunk chunk);

  /// Waits until every chunk taken so far is stored and its callbacks have returned, or returns the first error.
  absl::Status Flush();

  int64_t chunks_stored() const;
  int64_t records_stored() const;

 private:
  friend class Pipeline;
  class Engine;

  static std::unique_ptr<Pusher> Make(Pipeline pipeline, PusherOptions options);
  explicit Pusher(std::unique_ptr<Engine> engine);

  std::unique_ptr<Engine> engine_;
};

}  // namespace millrace::client
