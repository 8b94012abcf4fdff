// Tells ThreadSanitizer about absl::Mutex, absl::Notification and absl::BlockingCounter.
//
// Debian's Abseil is built without instrumentation, so ThreadSanitizer sees neither the locks nor what they order, and
// would call every guarded member a race. The linker sends the calls of our code through these functions (--wrap, see
// tsan.cmake), which say what the library then does. Compiled into the programs of preset tsan and no others.
//
// Between `pre` and `post` the sanitizer ignores what the thread reads: conditions that Abseil evaluates on behalf of
// other threads among it.
#include <sanitizer/tsan_interface.h>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"

namespace {

// Calls `real` as an operation that gives the lock back for a while and returns with it.
template <typename Call>
auto WhileGivenBack(absl::Mutex* mutex, Call real) {
  __tsan_mutex_pre_unlock(mutex, 0);
  __tsan_mutex_post_unlock(mutex, 0);
  __tsan_mutex_pre_lock(mutex, 0);
  if constexpr (std::is_void_v<decltype(real())>) {
    real();
    __tsan_mutex_post_lock(mutex, 0, 0);
  } else {
    auto result = real();
    __tsan_mutex_post_lock(mutex, 0, 0);
    return result;
  }
}

// What HasBeenNotified, which is inline, reads.
void* FlagOf(const absl::Notification* notification) {
  return const_cast<char*>(reinterpret_cast<const char*>(notification)) + sizeof(absl::Mutex);
}

}  // namespace

// The names are those of Abseil's functions, as the compiler writes them, behind the __real_ and __wrap_ of the linker's
// --wrap; only the linker could choose others.
// NOLINTBEGIN(bugprone-reserved-identifier)
#define MILLRACE_WRAP(result, symbol, ...)             \
  result __real__ZN4absl7debian3##symbol(__VA_ARGS__); \
  result __wrap__ZN4absl7debian3##symbol(__VA_ARGS__)
#define MILLRACE_REAL(symbol) __real__ZN4absl7debian3##symbol

extern "C" {

MILLRACE_WRAP(void, 5Mutex4LockEv, absl::Mutex* mutex) {
  __tsan_mutex_pre_lock(mutex, 0);
  MILLRACE_REAL(5Mutex4LockEv)(mutex);
  __tsan_mutex_post_lock(mutex, 0, 0);
}

MILLRACE_WRAP(void, 5Mutex8LockWhenERKNS0_9ConditionE, absl::Mutex* mutex, const absl::Condition& condition) {
  __tsan_mutex_pre_lock(mutex, 0);
  MILLRACE_REAL(5Mutex8LockWhenERKNS0_9ConditionE)(mutex, condition);
  __tsan_mutex_post_lock(mutex, 0, 0);
}

MILLRACE_WRAP(void, 5Mutex6UnlockEv, absl::Mutex* mutex) {
  __tsan_mutex_pre_unlock(mutex, 0);
  MILLRACE_REAL(5Mutex6UnlockEv)(mutex);
  __tsan_mutex_post_unlock(mutex, 0);
}

MILLRACE_WRAP(void, 5MutexD1Ev, absl::Mutex* mutex) {
  __tsan_mutex_destroy(mutex, 0);
  MILLRACE_REAL(5MutexD1Ev)(mutex);
}

MILLRACE_WRAP(void, 5Mutex10ReaderLockEv, absl::Mutex* mutex) {
  __tsan_mutex_pre_lock(mutex, __tsan_mutex_read_lock);
  MILLRACE_REAL(5Mutex10ReaderLockEv)(mutex);
  __tsan_mutex_post_lock(mutex, __tsan_mutex_read_lock, 0);
}

MILLRACE_WRAP(void, 5Mutex12ReaderUnlockEv, absl::Mutex* mutex) {
  __tsan_mutex_pre_unlock(mutex, __tsan_mutex_read_lock);
  MILLRACE_REAL(5Mutex12ReaderUnlockEv)(mutex);
  __tsan_mutex_post_unlock(mutex, __tsan_mutex_read_lock);
}

MILLRACE_WRAP(void, 5Mutex5AwaitERKNS0_9ConditionE, absl::Mutex* mutex, const absl::Condition& condition) {
  WhileGivenBack(mutex, [&] { MILLRACE_REAL(5Mutex5AwaitERKNS0_9ConditionE)(mutex, condition); });
}

MILLRACE_WRAP(bool, 5Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE, absl::Mutex* mutex,
              const absl::Condition& condition, absl::Duration timeout) {
  return WhileGivenBack(mutex, [&] {
    return MILLRACE_REAL(5Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE)(mutex, condition, timeout);
  });
}

MILLRACE_WRAP(bool, 5Mutex17AwaitWithDeadlineERKNS0_9ConditionENS0_4TimeE, absl::Mutex* mutex,
              const absl::Condition& condition, absl::Time deadline) {
  return WhileGivenBack(mutex, [&] {
    return MILLRACE_REAL(5Mutex17AwaitWithDeadlineERKNS0_9ConditionENS0_4TimeE)(mutex, condition, deadline);
  });
}

MILLRACE_WRAP(void, 7CondVar4WaitEPNS0_5MutexE, absl::CondVar* signal, absl::Mutex* mutex) {
  WhileGivenBack(mutex, [&] { MILLRACE_REAL(7CondVar4WaitEPNS0_5MutexE)(signal, mutex); });
}

MILLRACE_WRAP(bool, 7CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE, absl::CondVar* signal, absl::Mutex* mutex,
              absl::Duration timeout) {
  return WhileGivenBack(mutex, [&] {
    return MILLRACE_REAL(7CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE)(signal, mutex, timeout);
  });
}

MILLRACE_WRAP(bool, 7CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE, absl::CondVar* signal, absl::Mutex* mutex,
              absl::Time deadline) {
  return WhileGivenBack(
      mutex, [&] { return MILLRACE_REAL(7CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE)(signal, mutex, deadline); });
}

MILLRACE_WRAP(void, 12Notification6NotifyEv, absl::Notification* notification) {
  __tsan_release(FlagOf(notification));
  MILLRACE_REAL(12Notification6NotifyEv)(notification);
}

// A const member function spells its name another way: K behind N.
void __real__ZNK4absl7debian312Notification19WaitForNotificationEv(const absl::Notification* notification);
void __wrap__ZNK4absl7debian312Notification19WaitForNotificationEv(const absl::Notification* notification) {
  __real__ZNK4absl7debian312Notification19WaitForNotificationEv(notification);
  __tsan_acquire(FlagOf(notification));
}

bool __real__ZNK4absl7debian312Notification30WaitForNotificationWithTimeoutENS0_8DurationE(
    const absl::Notification* notification, absl::Duration timeout);
bool __wrap__ZNK4absl7debian312Notification30WaitForNotificationWithTimeoutENS0_8DurationE(
    const absl::Notification* notification, absl::Duration timeout) {
  const bool notified =
      __real__ZNK4absl7debian312Notification30WaitForNotificationWithTimeoutENS0_8DurationE(notification, timeout);
  if (notified) __tsan_acquire(FlagOf(notification));
  return notified;
}

// Whoever waits for a counter sees what was done before each count.
MILLRACE_WRAP(bool, 15BlockingCounter14DecrementCountEv, absl::BlockingCounter* counter) {
  __tsan_release(counter);
  return MILLRACE_REAL(15BlockingCounter14DecrementCountEv)(counter);
}

MILLRACE_WRAP(void, 15BlockingCounter4WaitEv, absl::BlockingCounter* counter) {
  MILLRACE_REAL(15BlockingCounter4WaitEv)(counter);
  __tsan_acquire(counter);
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier)
