#include "server/execution/flight_recorder.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <iterator>
#include <new>
#include <string>
#include <type_traits>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "storage/model/limits.h"

namespace millrace::execution {
namespace {

constexpr uint64_t kMagic = 0x31'44'43'52'4C'4C'49'4D;  // "MILLRCD1"
constexpr int32_t kNoRecord = -1;

/// A text of at most kIdBytesMax bytes, ended by a zero.
using Id = char[model::kIdBytesMax + 8];

void SetId(std::string_view text, Id& id) {
  const size_t size = std::min(text.size(), sizeof(Id) - 1);
  std::memcpy(id, text.data(), size);
  id[size] = '\0';
}

}  // namespace

struct FlightRecorder::Slot {
  uint64_t magic;
  int64_t epoch;
  int64_t sequence;
  /// kNoRecord between chunks. Stored last, so that the rest is right whenever it names a record.
  std::atomic<int32_t> index;
  int32_t unused;
  Id tenant;
  Id job;
  /// A cache line of its own for each thread.
  char padding[512 - 32 - 2 * sizeof(Id)];
};

absl::StatusOr<std::unique_ptr<FlightRecorder>> FlightRecorder::Start(const std::filesystem::path& file, int threads,
                                                                      int64_t epoch) {
  static_assert(sizeof(Slot) == 512 && offsetof(Slot, index) == 24 && std::atomic<int32_t>::is_always_lock_free);
  const auto failed = [&file](const char* verb) {
    return absl::UnavailableError(absl::StrCat("cannot ", verb, " ", file.string(), ": ", std::strerror(errno)));
  };
  const int descriptor = open(file.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (descriptor < 0) return failed("open");
  const auto closer = absl::MakeCleanup([descriptor] { close(descriptor); });
  const size_t bytes = static_cast<size_t>(threads) * sizeof(Slot);
  // Space that is not there now would end the process later, at the first store.
  if (const int error = posix_fallocate(descriptor, 0, static_cast<off_t>(bytes)); error != 0) {
    errno = error;
    return failed("make room for");
  }
  void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (memory == MAP_FAILED) return failed("map");
  const std::span<Slot> slots(static_cast<Slot*>(memory), static_cast<size_t>(threads));
  for (Slot& slot : slots) {
    Slot* const made = new (&slot) Slot;
    made->magic = kMagic;
    made->epoch = epoch;
    made->index.store(kNoRecord, std::memory_order_relaxed);
  }
  return std::unique_ptr<FlightRecorder>(new FlightRecorder(slots));
}

FlightRecorder::~FlightRecorder() { munmap(slots_.data(), slots_.size_bytes()); }

std::atomic<int32_t>* FlightRecorder::Begin(int thread, const model::JobKey& job, int64_t sequence) {
  Slot& slot = slots_[static_cast<size_t>(thread)];
  slot.sequence = sequence;
  SetId(job.tenant, slot.tenant);
  SetId(job.job_id, slot.job);
  return &slot.index;
}

void FlightRecorder::End(int thread) {
  slots_[static_cast<size_t>(thread)].index.store(kNoRecord, std::memory_order_release);
}

std::vector<LastFlight> FlightRecorder::Read(const std::filesystem::path& file) {
  std::vector<LastFlight> flights;
  std::ifstream stream(file, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  for (size_t at = 0; at + sizeof(Slot) <= bytes.size(); at += sizeof(Slot)) {
    const char* const slot = bytes.data() + at;
    uint64_t magic = 0;
    LastFlight flight;
    std::memcpy(&magic, slot + offsetof(Slot, magic), sizeof(magic));
    std::memcpy(&flight.epoch, slot + offsetof(Slot, epoch), sizeof(flight.epoch));
    std::memcpy(&flight.sequence, slot + offsetof(Slot, sequence), sizeof(flight.sequence));
    std::memcpy(&flight.index, slot + offsetof(Slot, index), sizeof(flight.index));
    if (magic != kMagic || flight.index < 0 || slot[offsetof(Slot, tenant) + sizeof(Id) - 1] != '\0' ||
        slot[offsetof(Slot, job) + sizeof(Id) - 1] != '\0') {
      continue;
    }
    flight.job = {slot + offsetof(Slot, tenant), slot + offsetof(Slot, job)};
    flights.push_back(std::move(flight));
  }
  return flights;
}

}  // namespace millrace::execution
