// What differs between the outputs of a record under two versions of a service.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "google/protobuf/struct.pb.h"

namespace millrace::core {

/// How far two numbers may lie apart and be the same: by `absolute`, or by `relative` times the larger of the two.
struct Tolerance {
  double absolute = 0;
  double relative = 0;
};

/// A field that is not the same.
struct FieldDifference {
  /// The names that lead to it, `address.city`; `[]` stands for the elements of a list, so that all of them are one field:
  /// `items[].price`.
  std::string path;
  /// As JSON; empty where there is no such field.
  std::string before;
  std::string after;
  /// How far two numbers lie apart; 0 for anything else.
  double distance = 0;
};

/// The differences between two objects, by name, outer fields first. Two lists of different lengths differ as a whole, and
/// so do two values of different types.
std::vector<FieldDifference> CompareOutputs(const google::protobuf::Struct& before,
                                            const google::protobuf::Struct& after,
                                            const std::function<Tolerance(std::string_view path)>& tolerance);

}  // namespace millrace::core
