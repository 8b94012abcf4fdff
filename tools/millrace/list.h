// Lists on the command line: the first of many, and how they are printed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cpp/paginated.h"
#include "tools/millrace/failure.h"
#include "tools/millrace/json_output.h"
#include "tools/millrace/session.h"

namespace millrace::cli {

/// The first elements of a list.
template <typename T>
struct Taken {
  std::vector<T> items;
  /// There are more. JSON says so in a field `truncated`.
  bool is_cut = false;

  std::string truncated() const { return is_cut ? "true" : "false"; }
};

/// Reads the first `limit` elements of a list.
template <typename T>
absl::StatusOr<Taken<T>> TakeFirst(client::Paginated<T> all, int64_t limit) {
  Taken<T> taken;
  for (const absl::StatusOr<T>& item : all) {
    if (!item.ok()) return item.status();
    taken.is_cut = static_cast<int64_t>(taken.items.size()) == limit;
    if (taken.is_cut) break;
    taken.items.push_back(*item);
  }
  return taken;
}

/// Tells people about the end of a list that they have just read: `nothing` where it is empty, and where it is cut that there is
/// more.
template <typename T>
void TellEnd(const Session& session, const Taken<T>& list, std::string_view nothing) {
  if (list.items.empty()) session.err() << nothing << "\n";
  if (list.is_cut) session.err() << "there are more; --limit shows them\n";
}

/// The elements as a JSON array, each as `to_json` writes it.
template <typename T, typename Writer>
std::string JsonArrayOf(const std::vector<T>& items, Writer to_json) {
  std::vector<std::string> values;
  values.reserve(items.size());
  for (const T& item : items) values.push_back(to_json(item));
  return JsonArray(values);
}

template <typename T>
std::string JsonArrayOf(const std::vector<T>& items) {
  return JsonArrayOf(items, [](const T& item) { return ToJson(item); });
}

/// Prints a list as `render` does, or as JSON under `name`.
template <typename T>
ExitCode PrintList(Session& session, const Taken<T>& list, std::string_view name, std::string_view nothing,
                   std::string (*render)(const std::vector<T>&, const Session&)) {
  if (session.json()) {
    session.PrintJson(JsonObject({{name, JsonArrayOf(list.items)}, {"truncated", list.truncated()}}));
    return ExitCode::kOk;
  }
  session.out() << render(list.items, session);
  TellEnd(session, list, nothing);
  return ExitCode::kOk;
}

}  // namespace millrace::cli
