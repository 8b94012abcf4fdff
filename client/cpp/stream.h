// Calls of many messages. Pusher and Puller are the comfortable way to these; they mend broken streams.
#pragma once

#include "absl/status/status.h"
#include "millrace/v1/job_service.pb.h"
#include "millrace/v1/pipeline_service.pb.h"

namespace millrace::client {

/// One streaming call. One thread may write while another one reads; Cancel may be called by any thread. Never retried:
/// the protos say what to do when a stream breaks. The destructor cancels a call that was not finished.
template <typename Response>
class ReadStream {
 public:
  virtual ~ReadStream() = default;

  /// Waits for the next message. False when none will follow.
  virtual bool Read(Response& response) = 0;

  /// Ends the call now, with CANCELLED. Waiting reads return.
  virtual void Cancel() = 0;

  /// Returns how the call ended. REQUIRES: Read has returned false, and nobody reads or writes. Call it once.
  virtual absl::Status Finish() = 0;
};

/// The same, where the client writes, too. Cancel ends waiting writes as well.
template <typename Request, typename Response>
class Stream : public ReadStream<Response> {
 public:
  /// Sends a message, waiting while the server is not ready for it. False when the call is over; Finish says why.
  /// `more_follows`: another message comes at once, so this one may wait for it and share a packet with it.
  virtual bool Write(const Request& request, bool more_follows) = 0;
  bool Write(const Request& request) { return Write(request, /*more_follows=*/false); }

  /// Says that no further message will be written.
  virtual void WritesDone() = 0;
};

using PushStreamCall = Stream<v1::PushStreamRequest, v1::PushStreamResponse>;
using PullStreamCall = Stream<v1::PullStreamRequest, v1::PullStreamResponse>;
using WatchJobCall = ReadStream<v1::WatchJobResponse>;
using ExportJobCall = ReadStream<v1::ExportJobResponse>;

}  // namespace millrace::client
