// A list that spans many pages, read as one range.
#pragma once

#include <cstddef>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace millrace::client {

/// A single-pass range of StatusOr<T>: loads a page when it is needed. An error is the last element. Not thread-safe.
///
///   for (const absl::StatusOr<v1::Job>& job : client.AllJobs()) {
///     if (!job.ok()) return job.status();
///     Show(*job);
///   }
template <typename T>
class Paginated {
  struct State;

 public:
  /// What a page holds, and the token of the next one; empty at the end.
  struct Page {
    std::vector<T> elements;
    std::string next_page_token;
  };
  /// Loads the page that a token names; the empty one names the first.
  using Loader = std::function<absl::StatusOr<Page>(const std::string& page_token)>;

  explicit Paginated(Loader loader) : state_(std::make_shared<State>(std::move(loader))) {}

  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = absl::StatusOr<T>;
    using difference_type = std::ptrdiff_t;
    using pointer = const value_type*;
    using reference = const value_type&;

    reference operator*() const { return state_->current; }
    pointer operator->() const { return &state_->current; }
    Iterator& operator++() {
      if (!state_->Advance()) state_.reset();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& left, const Iterator& right) { return left.state_ == right.state_; }

   private:
    friend class Paginated;
    explicit Iterator(std::shared_ptr<State> state) : state_(std::move(state)) {}
    // Null at the end.
    std::shared_ptr<State> state_;
  };

  /// Loads the first page. May be called once: the range is read as it goes.
  Iterator begin() {
    Iterator first(state_);
    return ++first;
  }
  Iterator end() { return Iterator(nullptr); }

  /// Calls `visitor(const T&)`, which returns absl::Status, for each element. Returns the first error of the visitor
  /// or of a call.
  template <typename Visitor>
  absl::Status ForEach(Visitor&& visitor) {
    for (const absl::StatusOr<T>& element : *this) {
      if (!element.ok()) return element.status();
      if (absl::Status status = visitor(*element); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

 private:
  struct State {
    explicit State(Loader load) : loader(std::move(load)) {}

    // Makes the next element current; false at the end.
    bool Advance() {
      if (!current.ok() && started) return false;
      while (position == page.elements.size()) {
        if (started && page.next_page_token.empty()) return false;
        absl::StatusOr<Page> next = loader(page.next_page_token);
        if (next.ok() && started && next->next_page_token == page.next_page_token) {
          // Would never end.
          next = absl::InternalError("the server repeated page token " + page.next_page_token);
        }
        started = true;
        if (!next.ok()) {
          current = next.status();
          return true;
        }
        page = *std::move(next);
        position = 0;
      }
      current = std::move(page.elements[position++]);
      return true;
    }

    Loader loader;
    Page page;
    std::size_t position = 0;
    bool started = false;
    absl::StatusOr<T> current;
  };

  std::shared_ptr<State> state_;
};

}  // namespace millrace::client
