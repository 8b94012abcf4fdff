// Built-in services in lists of what a tenant has: they are in no store, and in every list.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "storage/model/service_version.h"
#include "storage/store/job_store.h"

namespace millrace::store {

/// Puts the built-in services into a page of at most `page_size` services whose names come behind `behind`: where their
/// names belong, if that is in this page. `token_of` makes the token of the page behind a service.
void AddBuiltIn(std::string_view behind, int32_t page_size, absl::FunctionRef<std::string(const std::string&)> token_of,
                Page<model::ServiceSummary>& page);

}  // namespace millrace::store
