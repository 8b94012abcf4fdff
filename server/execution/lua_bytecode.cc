#include "server/execution/lua_bytecode.h"

#include <cstdint>
#include <cstring>
#include <vector>

#include "absl/status/status.h"

namespace millrace::execution {
namespace {

// The header of a dumped chunk: signature, version 5.4, format 0, a text that conversions would spoil, and the sizes
// of an instruction, an integer and a number. A test integer and a test number of 8 bytes each follow.
constexpr std::string_view kHeader("\x1bLua\x54\x00\x19\x93\r\n\x1a\n\x04\x08\x08", 15);
constexpr size_t kTestValuesBytes = 16;

// The instructions of Lua 5.4 that can touch an upvalue as a table or a value, and those that may follow.
enum Opcode : uint32_t {
  kLoadConstant = 3,
  kLoadConstantExtra = 4,
  kGetUpvalue = 9,
  kSetUpvalue = 10,
  kGetTableUpvalue = 11,
  kGetTable = 12,
  kSetTableUpvalue = 15,
};

enum ConstantTag : uint8_t {
  kNil = 0x00,
  kFalse = 0x01,
  kTrue = 0x11,
  kInteger = 0x03,
  kFloat = 0x13,
  kShortString = 0x04,
  kLongString = 0x14,
};

// An instruction: 7 bits opcode, 8 bits A, then either 1 bit k, 8 bits B and 8 bits C, or 17 bits Bx.
struct Instruction {
  uint32_t bits;

  uint32_t opcode() const { return bits & 0x7f; }
  uint32_t a() const { return (bits >> 7) & 0xff; }
  uint32_t b() const { return (bits >> 16) & 0xff; }
  uint32_t c() const { return bits >> 24; }
  uint32_t bx() const { return bits >> 15; }
  uint32_t ax() const { return bits >> 7; }
};

class Reader {
 public:
  Reader(std::string_view bytes, GlobalNames& names) : bytes_(bytes), names_(names) {}

  bool ReadChunk() {
    if (bytes_.substr(0, kHeader.size()) != kHeader) return false;
    position_ = kHeader.size() + kTestValuesBytes;
    const uint8_t upvalue_count = Byte();
    const bool ok = upvalue_count == 1 && ReadFunction(nullptr);
    return ok && !broken_ && position_ == bytes_.size();
  }

 private:
  // `outer` tells for each upvalue of the enclosing function whether it is _ENV; the main function has none.
  bool ReadFunction(const std::vector<bool>* outer) {
    String();  // Source.
    Size();    // First line.
    Size();    // Last line.
    Skip(3);   // Parameters, vararg, registers.
    const std::vector<Instruction> code = Code();
    const std::vector<std::string> constants = Constants();
    std::vector<bool> environment;
    for (size_t n = Size(); n > 0 && !broken_; --n) {
      const bool in_stack = Byte() != 0;
      const size_t index = Byte();
      Skip(1);  // Kind.
      const bool inherited = outer != nullptr && !in_stack && index < outer->size() && (*outer)[index];
      environment.push_back(outer == nullptr || inherited);
    }
    for (size_t n = Size(); n > 0 && !broken_; --n) {
      if (!ReadFunction(&environment)) return false;
    }
    SkipDebugInformation();
    if (broken_) return false;
    Inspect(code, constants, environment);
    return !broken_;
  }

  void Inspect(const std::vector<Instruction>& code, const std::vector<std::string>& constants,
               const std::vector<bool>& environment) {
    const auto is_environment = [&](uint32_t upvalue) { return upvalue < environment.size() && environment[upvalue]; };
    const auto constant = [&](uint32_t index) {
      if (index >= constants.size()) broken_ = true;
      return broken_ ? std::string() : constants[index];
    };
    for (size_t i = 0; i < code.size(); ++i) {
      const Instruction at = code[i];
      if (at.opcode() == kGetTableUpvalue && is_environment(at.b())) {
        names_.read.insert(constant(at.c()));
      } else if (at.opcode() == kSetTableUpvalue && is_environment(at.a())) {
        names_.assigned.insert(constant(at.b()));
      } else if (at.opcode() == kSetUpvalue && is_environment(at.b())) {
        names_.uses_environment = true;
      } else if (at.opcode() == kGetUpvalue && is_environment(at.b())) {
        // The long form, for names over 40 bytes and functions of over 255 constants: _ENV goes into a register, the
        // name into the next one, and the access follows.
        uint32_t key = 0;
        size_t access = i + 2;
        if (i + 1 < code.size() && code[i + 1].opcode() == kLoadConstant) {
          key = code[i + 1].bx();
        } else if (i + 2 < code.size() && code[i + 1].opcode() == kLoadConstantExtra) {
          key = code[i + 2].ax();
          access = i + 3;
        } else {
          names_.uses_environment = true;
          continue;
        }
        const bool reads = access < code.size() && code[access].opcode() == kGetTable && code[access].b() == at.a() &&
                           code[access].c() == code[i + 1].a();
        (reads ? names_.read : names_.assigned).insert(constant(key));
      }
    }
  }

  std::vector<Instruction> Code() {
    std::vector<Instruction> code;
    for (size_t n = Size(); n > 0 && !broken_; --n) {
      Instruction instruction{0};
      if (position_ + 4 <= bytes_.size()) std::memcpy(&instruction.bits, bytes_.data() + position_, 4);
      Skip(4);
      code.push_back(instruction);
    }
    return code;
  }

  // Strings as they are; anything else as an empty text.
  std::vector<std::string> Constants() {
    std::vector<std::string> constants;
    for (size_t n = Size(); n > 0 && !broken_; --n) {
      constants.emplace_back();
      switch (Byte()) {
        case kShortString:
        case kLongString:
          constants.back() = String();
          break;
        case kInteger:
        case kFloat:
          Skip(8);
          break;
        case kNil:
        case kFalse:
        case kTrue:
          break;
        default:
          broken_ = true;
      }
    }
    return constants;
  }

  // Empty in a stripped dump, but the counts are there.
  void SkipDebugInformation() {
    Skip(Size());  // Line of each instruction.
    for (size_t n = Size(); n > 0 && !broken_; --n) Size(), Size();
    for (size_t n = Size(); n > 0 && !broken_; --n) String(), Size(), Size();
    for (size_t n = Size(); n > 0 && !broken_; --n) String();
  }

  uint8_t Byte() {
    Skip(1);
    return broken_ ? 0 : static_cast<uint8_t>(bytes_[position_ - 1]);
  }

  // Seven bits a byte, the highest first; the last byte has its top bit set.
  size_t Size() {
    size_t value = 0;
    while (!broken_) {
      const uint8_t byte = Byte();
      value = (value << 7) | (byte & 0x7f);
      if ((byte & 0x80) != 0) break;
    }
    return value;
  }

  std::string String() {
    const size_t size = Size();
    if (size <= 1) return "";
    const size_t begin = position_;
    Skip(size - 1);
    return broken_ ? std::string() : std::string(bytes_.substr(begin, size - 1));
  }

  void Skip(size_t count) {
    if (count > bytes_.size() - position_) {
      broken_ = true;
    } else {
      position_ += count;
    }
  }

  const std::string_view bytes_;
  GlobalNames& names_;
  size_t position_ = 0;
  bool broken_ = false;
};

}  // namespace

absl::StatusOr<GlobalNames> ReadGlobalNames(std::string_view bytecode) {
  GlobalNames names;
  if (!Reader(bytecode, names).ReadChunk()) {
    return absl::InternalError("the Lua library does not write bytecode of Lua 5.4 as this server reads it");
  }
  return names;
}

}  // namespace millrace::execution
