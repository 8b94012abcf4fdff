#include "server/core/fair_queue.h"

#include <algorithm>
#include <iterator>

namespace millrace::core {

void FairQueue::Join(Flow& flow) {
  if (flow.waits) return;
  if (flow.tag < virtual_time_) {
    flow.tag = virtual_time_;
    ++flow.returns;
  }
  flow.turn = ++turns_;
  flow.waits = true;
  waiting_.emplace(flow.tag, flow.turn, &flow);
}

void FairQueue::Leave(Flow& flow) {
  if (!flow.waits) return;
  waiting_.erase({flow.tag, flow.turn, &flow});
  flow.waits = false;
}

void FairQueue::Move(Flow& flow, int64_t tag) {
  if (flow.waits) waiting_.erase({flow.tag, flow.turn, &flow});
  flow.tag = tag;
  if (flow.waits) waiting_.emplace(flow.tag, flow.turn, &flow);
}

FairQueue::Charge FairQueue::Serve(Flow& flow, int64_t amount) {
  virtual_time_ = std::max(virtual_time_, flow.tag);
  const uint64_t turn = ++turns_;
  waiting_.erase({flow.tag, flow.turn, &flow});
  flow.turn = turn;
  flow.tag += amount;
  waiting_.emplace(flow.tag, flow.turn, &flow);
  return {.amount = amount, .returns = flow.returns};
}

void FairQueue::Settle(Flow& flow, const Charge& charge, int64_t amount) {
  const int64_t difference = amount - charge.amount;
  // What was charged too much before a pause is lost with the pause; without this, a flow could save up.
  if (difference < 0 && charge.returns != flow.returns) return;
  if (difference != 0) Move(flow, flow.tag + difference);
}

int64_t FairQueue::Ahead(const Flow& flow) const {
  const auto place = waiting_.find({flow.tag, flow.turn, const_cast<Flow*>(&flow)});
  return std::distance(waiting_.begin(), place);
}

}  // namespace millrace::core
