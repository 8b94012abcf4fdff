#include "tools/bench/figures.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"

namespace millrace::bench {
namespace {

std::string Number(double value) {
  const double size = std::abs(value);
  if (size >= 1000) return absl::StrFormat("%.0f", value);
  if (size >= 10) return absl::StrFormat("%.1f", value);
  return absl::StrFormat("%.3f", value);
}

std::string AimText(const Figure& figure) {
  if (!figure.aim.has_value()) return "";
  const bool least = figure.aim->kind == Aim::Kind::kAtLeast;
  return absl::StrCat(Meets(figure, *figure.aim) ? "ok" : "MISSED", least ? " (at least " : " (at most ",
                      Number(figure.aim->bound), ")");
}

}  // namespace

bool Meets(const Figure& figure, const Aim& aim) {
  return aim.kind == Aim::Kind::kAtLeast ? figure.value >= aim.bound : figure.value <= aim.bound;
}

std::string RenderTable(const Report& report, const Baseline& baseline) {
  std::string table = absl::StrCat("\n", report.scenario, "\n");
  for (const Figure& figure : report.figures) {
    absl::StrAppendFormat(&table, "  %-52s %12s %-10s", figure.name, Number(figure.value), figure.unit);
    if (const auto before = baseline.find(absl::StrCat(report.scenario, "/", figure.name)); before != baseline.end()) {
      absl::StrAppendFormat(&table, " %5.2f of %s", before->second == 0 ? 0 : figure.value / before->second,
                            Number(before->second));
    }
    absl::StrAppend(&table, "  ", AimText(figure), "\n");
  }
  return table;
}

std::string ToJson(const std::vector<Report>& reports) {
  google::protobuf::Struct object;
  for (const Report& report : reports) {
    for (const Figure& figure : report.figures) {
      (*object.mutable_fields())[absl::StrCat(report.scenario, "/", figure.name)].set_number_value(figure.value);
    }
  }
  std::string json;
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  // Names are ASCII and values finite: nothing that could not be printed.
  (void)google::protobuf::util::MessageToJsonString(object, &json, options);
  return json;
}

absl::StatusOr<Baseline> ReadBaseline(const std::string& file) {
  std::ifstream in(file);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  google::protobuf::Struct object;
  if (!google::protobuf::util::JsonStringToMessage(text, &object).ok()) {
    return absl::InvalidArgumentError(absl::StrCat(file, " is not what --json wrote"));
  }
  Baseline baseline;
  for (const auto& field : object.fields()) baseline[field.first] = field.second.number_value();
  return baseline;
}

double Percentile(std::vector<double>& values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(values.size())));
  return values[std::clamp<size_t>(rank, 1, values.size()) - 1];
}

double MedianRatio(const std::vector<double>& values, const std::vector<double>& base) {
  std::vector<double> ratios;
  ratios.reserve(values.size());
  for (size_t i = 0; i < std::min(values.size(), base.size()); ++i) ratios.push_back(values[i] / base[i]);
  return Percentile(ratios, 0.5);
}

}  // namespace millrace::bench
