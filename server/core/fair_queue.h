// Who is served next, where several share what serves them and nobody knows beforehand what a service costs.
//
// Start-time fair queueing: P. Goyal, H. M. Vin, H. Cheng, "Start-time Fair Queuing: A Scheduling Algorithm for
// Integrated Services Packet Switching Networks", SIGCOMM 1996. Each flow has a tag, the virtual time at which its next
// service starts; the lowest tag is served, and the service moves the tag on by its cost divided by the flow's weight.
// A flow that comes back after a pause starts at the present virtual time: it loses what it did not ask for, and owes
// nothing. As costs are known only afterwards, a service is charged by an estimate, and corrected when it is over, as
// stride scheduling does for quanta that are not used up (C. A. Waldspurger, W. E. Weihl, MIT/LCS/TM-528, 1995).
#pragma once

#include <cstdint>
#include <set>
#include <tuple>

namespace millrace::core {

/// Every operation takes O(log n) of the flows that wait.
class FairQueue {
 public:
  /// Somebody who is served. Belongs to one queue at a time.
  struct Flow {
    int64_t tag = 0;
    /// Decides between equal tags: who waits longer.
    uint64_t turn = 0;
    bool waits = false;
    /// How often the flow came back from a pause; a refund from before is void.
    int64_t returns = 0;
  };

  /// What a service was charged.
  struct Charge {
    int64_t amount = 0;
    int64_t returns = 0;
  };

  /// The flow wants to be served. Nothing happens where it waits already.
  void Join(Flow& flow);

  /// The flow wants nothing at present.
  void Leave(Flow& flow);

  /// Who is served next; null when nobody waits.
  Flow* Front() const { return waiting_.empty() ? nullptr : std::get<2>(*waiting_.begin()); }

  /// Serves a flow that waits, for `amount`: the expected cost by weight, more than 0. The flow still waits, for the
  /// next service.
  Charge Serve(Flow& flow, int64_t amount);

  /// The service that was charged so did cost `amount`.
  void Settle(Flow& flow, const Charge& charge, int64_t amount);

  bool empty() const { return waiting_.empty(); }
  int64_t size() const { return static_cast<int64_t>(waiting_.size()); }

  /// How many wait before `flow`, which waits. Looks at each of them.
  int64_t Ahead(const Flow& flow) const;

 private:
  void Move(Flow& flow, int64_t tag);

  std::set<std::tuple<int64_t, uint64_t, Flow*>> waiting_;
  /// The tag of the service that was started last.
  int64_t virtual_time_ = 0;
  uint64_t turns_ = 0;
};

}  // namespace millrace::core
