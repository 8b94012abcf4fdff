// Hands each change of a job to everyone who wants to hear of it.
#pragma once

#include <utility>
#include <vector>

#include "storage/store/job_store.h"

namespace millrace::app {

/// They hear of it in the order in which they are given, and must outlive the list.
class ObserverList final : public store::JobObserver {
 public:
  explicit ObserverList(std::vector<store::JobObserver*> observers) : observers_(std::move(observers)) {}

  void OnJobChanged(const model::JobPtr& job) override {
    for (store::JobObserver* observer : observers_) observer->OnJobChanged(job);
  }

 private:
  const std::vector<store::JobObserver*> observers_;
};

}  // namespace millrace::app
