// What stores answer, as text that can be compared.
#pragma once

#include <regex>
#include <string>

#include "absl/strings/str_cat.h"
#include "storage/model/errors.h"
#include "storage/store/job_store.h"
#include "tests/support/describe.h"

namespace millrace::store {

using ::millrace::testing::Describe;

/// The epoch is the one thing in which the stores differ: the model is never opened again.
inline std::string WithoutEpoch(const std::string& text) {
  static const std::regex owner("owner: (\\S+) \\d+");
  return std::regex_replace(text, owner, "owner: $1");
}

inline std::string TextOf(const absl::Status& status) {
  const bool names_epochs = model::HasReason(status, model::Reason::kLeaseStale);
  return names_epochs ? "LEASE_STALE" : Describe(status);
}

template <typename T>
std::string TextOf(const absl::StatusOr<T>& result) {
  return result.ok() ? WithoutEpoch(Describe(*result)) : TextOf(result.status());
}

inline std::string TextOf(const absl::StatusOr<PushReceipt>& receipt) {
  if (!receipt.ok()) return TextOf(receipt.status());
  std::string text = Describe(*receipt->job);
  for (const model::PushedChunk& chunk : receipt->chunks) {
    absl::StrAppend(&text, chunk.id, " ", chunk.sequence, " ", chunk.record_count, " ", chunk.duplicate, "\n");
  }
  return WithoutEpoch(text);
}

/// All pages of a list, one after the other. `read` takes a token.
template <typename Read>
std::string AllPages(Read&& read) {
  std::string text;
  std::string token;
  do {
    const auto page = read(token);
    if (!page.ok()) return TextOf(page.status());
    absl::StrAppend(&text, "page\n", Describe(page->items));
    token = page->next_token;
  } while (!token.empty());
  return WithoutEpoch(text);
}

}  // namespace millrace::store
