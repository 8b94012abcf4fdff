#include "storage/store/built_in_list.h"

#include <algorithm>
#include <cstddef>

#include "storage/model/built_in.h"

namespace millrace::store {

void AddBuiltIn(std::string_view behind, int32_t page_size, absl::FunctionRef<std::string(const std::string&)> token_of,
                Page<model::ServiceSummary>& page) {
  const model::ServiceVersion& jobs = model::JobsService();
  if (jobs.service <= behind) return;
  const auto place = std::ranges::lower_bound(page.items, jobs.service, {}, &model::ServiceSummary::service);
  if (place == page.items.end() && !page.next_token.empty()) return;
  page.items.insert(place, {jobs.service, jobs.service_id, jobs.version, 1, jobs.description});
  if (page.items.size() <= static_cast<size_t>(page_size)) return;
  page.items.pop_back();
  page.next_token = token_of(page.items.back().service);
}

}  // namespace millrace::store
