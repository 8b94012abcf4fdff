#include "server/core/output_comparison.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "absl/strings/str_cat.h"
#include "server/core/json_struct.h"

namespace millrace::core {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;

class Comparer {
 public:
  explicit Comparer(const std::function<Tolerance(std::string_view)>& tolerance) : tolerance_(tolerance) {}

  void CompareObjects(const std::string& path, const Struct& before, const Struct& after) {
    std::set<std::string> names;
    for (const auto& [name, value] : before.fields()) names.insert(name);
    for (const auto& [name, value] : after.fields()) names.insert(name);
    for (const std::string& name : names) {
      const auto was = before.fields().find(name);
      const auto is = after.fields().find(name);
      CompareValues(path.empty() ? name : absl::StrCat(path, ".", name),
                    was == before.fields().end() ? nullptr : &was->second,
                    is == after.fields().end() ? nullptr : &is->second);
    }
  }

  std::vector<FieldDifference> Take() { return std::move(differences_); }

 private:
  /// Null: there is none.
  void CompareValues(const std::string& path, const Value* before, const Value* after) {
    if (before == nullptr || after == nullptr || before->kind_case() != after->kind_case()) {
      return Add(path, before, after, 0);
    }
    switch (before->kind_case()) {
      case Value::kStructValue:
        return CompareObjects(path, before->struct_value(), after->struct_value());
      case Value::kListValue:
        return CompareLists(path, *before, *after);
      case Value::kNumberValue:
        return CompareNumbers(path, *before, *after);
      case Value::kStringValue:
        if (before->string_value() != after->string_value()) Add(path, before, after, 0);
        return;
      case Value::kBoolValue:
        if (before->bool_value() != after->bool_value()) Add(path, before, after, 0);
        return;
      case Value::kNullValue:
      case Value::KIND_NOT_SET:
        return;
    }
  }

  void CompareLists(const std::string& path, const Value& before, const Value& after) {
    const int count = before.list_value().values_size();
    if (count != after.list_value().values_size()) return Add(path, &before, &after, 0);
    const std::string element = absl::StrCat(path, "[]");
    for (int i = 0; i < count; ++i) {
      CompareValues(element, &before.list_value().values(i), &after.list_value().values(i));
    }
  }

  void CompareNumbers(const std::string& path, const Value& before, const Value& after) {
    const double was = before.number_value();
    const double is = after.number_value();
    const double distance = std::abs(was - is);
    const Tolerance allowed = tolerance_(path);
    const double most = std::max(allowed.absolute, allowed.relative * std::max(std::abs(was), std::abs(is)));
    if (distance > most) Add(path, &before, &after, distance);
  }

  void Add(const std::string& path, const Value* before, const Value* after, double distance) {
    FieldDifference& difference = differences_.emplace_back();
    difference.path = path;
    difference.distance = distance;
    // They were read from JSON, so they can be written as JSON.
    if (before != nullptr) AppendJson(*before, difference.before).IgnoreError();
    if (after != nullptr) AppendJson(*after, difference.after).IgnoreError();
  }

  const std::function<Tolerance(std::string_view)>& tolerance_;
  std::vector<FieldDifference> differences_;
};

}  // namespace

std::vector<FieldDifference> CompareOutputs(const Struct& before, const Struct& after,
                                            const std::function<Tolerance(std::string_view path)>& tolerance) {
  Comparer comparer(tolerance);
  comparer.CompareObjects("", before, after);
  return comparer.Take();
}

}  // namespace millrace::core
