#include "tools/millrace/completion.h"

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace millrace::cli {
namespace {

/// An option or a positional argument of a command.
struct Argument {
  /// With their dashes. Empty: positional.
  std::vector<std::string> names;
  std::string help;
  bool takes_value = false;
  bool is_file = false;
  std::vector<std::string> choices;
};

struct Command {
  /// `millrace jobs list`.
  std::string path;
  std::string help;
  /// Last words of the paths of its subcommands.
  std::vector<std::string> subcommands;
  std::vector<Argument> arguments;
};

Argument ReadArgument(const CLI::Option& option) {
  Argument argument{.names = {}, .help = option.get_description(), .takes_value = option.get_items_expected_max() > 0};
  for (const std::string& name : option.get_snames()) argument.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) argument.names.push_back("--" + name);
  const std::string type = option.get_type_name();
  argument.is_file = type == "FILE";
  // `NAME:{A,B}` is a choice by a validator, `a|b` one that the option spells out.
  if (const size_t open = type.find(":{"); open != std::string::npos) {
    argument.choices = absl::StrSplit(type.substr(open + 2, type.find('}') - open - 2), ',');
  } else if (absl::StrContains(type, "|")) {
    argument.choices = absl::StrSplit(type, '|');
  }
  return argument;
}

void ReadCommands(const CLI::App& app, const std::string& path, const std::vector<Argument>& inherited,
                  std::vector<Command>& commands) {
  Command command{.path = path, .help = app.get_description(), .subcommands = {}, .arguments = {}};
  for (const CLI::Option* option : app.get_options()) command.arguments.push_back(ReadArgument(*option));
  for (const Argument& argument : inherited) command.arguments.push_back(argument);
  const auto subcommands = app.get_subcommands([](const CLI::App*) { return true; });
  for (const CLI::App* subcommand : subcommands) command.subcommands.push_back(subcommand->get_name());
  const size_t at = commands.size();
  commands.push_back(std::move(command));
  // Options of the root may follow any command.
  std::vector<Argument> global = inherited;
  if (app.get_parent() == nullptr) {
    for (const Argument& argument : commands[at].arguments) {
      if (argument.takes_value) global.push_back(argument);
    }
  }
  for (const CLI::App* subcommand : subcommands) {
    ReadCommands(*subcommand, path + " " + subcommand->get_name(), global, commands);
  }
}

/// `text` in single quotes, for bash and zsh.
std::string ShellQuoted(std::string_view text) {
  return absl::StrCat("'", absl::StrReplaceAll(std::string(text), {{"'", "'\\''"}}), "'");
}

std::string FishQuoted(std::string_view text) {
  return absl::StrCat("'", absl::StrReplaceAll(std::string(text), {{"\\", "\\\\"}, {"'", "\\'"}}), "'");
}

/// The patterns of all paths below the root, for a `case` over "$typed $word".
std::string PathPatterns(const std::vector<Command>& commands, const char* separator) {
  return absl::StrJoin(commands.begin() + 1, commands.end(), separator,
                       [](std::string* out, const Command& command) { out->append(ShellQuoted(command.path)); });
}

/// What is done for the value of an option, in the words of a shell.
struct ValueActions {
  std::string files;
  std::string nothing;
  /// `$0` stands for the choices.
  std::string choices;
};

/// `case` branches over "$typed:$previous" for options with values.
std::string ValueBranches(const std::vector<Command>& commands, const ValueActions& actions) {
  std::string out;
  for (const Command& command : commands) {
    for (const Argument& argument : command.arguments) {
      if (argument.names.empty() || !argument.takes_value) continue;
      const std::string patterns = absl::StrJoin(argument.names, "|", [&](std::string* text, const std::string& name) {
        text->append(ShellQuoted(absl::StrCat(command.path, ":", name)));
      });
      std::string action = argument.is_file ? actions.files : actions.nothing;
      if (!argument.choices.empty()) {
        action = absl::StrReplaceAll(actions.choices, {{"$0", absl::StrJoin(argument.choices, " ")}});
      }
      absl::StrAppend(&out, "    ", patterns, ") ", action, "; return ;;\n");
    }
  }
  return out;
}

/// What can be typed at a command: subcommands, options, and choices of positional arguments, each with its help.
std::vector<std::pair<std::string, std::string>> Candidates(const Command& command,
                                                            const std::vector<Command>& commands) {
  std::vector<std::pair<std::string, std::string>> candidates;
  for (const Command& other : commands) {
    for (const std::string& name : command.subcommands) {
      if (other.path == absl::StrCat(command.path, " ", name)) candidates.emplace_back(name, other.help);
    }
  }
  for (const Argument& argument : command.arguments) {
    for (const std::string& name : argument.names) candidates.emplace_back(name, argument.help);
    if (argument.names.empty()) {
      for (const std::string& choice : argument.choices) candidates.emplace_back(choice, argument.help);
    }
  }
  return candidates;
}

bool TakesFile(const Command& command) {
  for (const Argument& argument : command.arguments) {
    if (argument.names.empty() && argument.is_file) return true;
  }
  return false;
}

std::string BashScript(const std::vector<Command>& commands) {
  std::string out = absl::StrCat(
      "# bash completion of millrace; made by `millrace completion bash`.\n"
      "_millrace() {\n"
      "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} typed=millrace words= i\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    case \"$typed ${COMP_WORDS[i]}\" in\n"
      "      ",
      PathPatterns(commands, "|\\\n      "), ") typed=\"$typed ${COMP_WORDS[i]}\" ;;\n    esac\n  done\n");
  absl::StrAppend(&out, "  COMPREPLY=()\n  case \"$typed:$previous\" in\n",
                  ValueBranches(commands, {.files = "compopt -o filenames; COMPREPLY=($(compgen -f -- \"$current\"))",
                                           .nothing = ":",
                                           .choices = "COMPREPLY=($(compgen -W '$0' -- \"$current\"))"}),
                  "  esac\n  case \"$typed\" in\n");
  for (const Command& command : commands) {
    const auto candidates = Candidates(command, commands);
    absl::StrAppend(
        &out, "    ", ShellQuoted(command.path), ") words='",
        absl::StrJoin(candidates, " ", [](std::string* text, const auto& pair) { text->append(pair.first); }),
        "' ;;\n");
  }
  absl::StrAppend(&out, "  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n");
  absl::StrAppend(&out, "}\ncomplete -o default -F _millrace millrace\n");
  return out;
}

std::string ZshScript(const std::vector<Command>& commands) {
  std::string out = absl::StrCat(
      "#compdef millrace\n"
      "# zsh completion of millrace; made by `millrace completion zsh`.\n"
      "_millrace() {\n"
      "  local typed=millrace\n"
      "  local -i i\n"
      "  local -a candidates\n"
      "  for ((i = 2; i < CURRENT; i++)); do\n"
      "    case \"$typed $words[i]\" in\n"
      "      ",
      PathPatterns(commands, "|\\\n      "), ") typed=\"$typed $words[i]\" ;;\n    esac\n  done\n");
  absl::StrAppend(&out, "  case \"$typed:$words[CURRENT-1]\" in\n",
                  ValueBranches(commands, {.files = "_files", .nothing = ":", .choices = "compadd -- $0"}),
                  "  esac\n  case \"$typed\" in\n");
  for (const Command& command : commands) {
    absl::StrAppend(&out, "    ", ShellQuoted(command.path), ")\n      candidates=(\n");
    for (const auto& [word, help] : Candidates(command, commands)) {
      absl::StrAppend(&out, "        ", ShellQuoted(absl::StrCat(word, ":", help)), "\n");
    }
    absl::StrAppend(&out, "      )", TakesFile(command) ? "\n      _files" : "", " ;;\n");
  }
  absl::StrAppend(&out, "  esac\n  _describe millrace candidates\n}\n");
  absl::StrAppend(&out, "if [ \"$funcstack[1]\" = _millrace ]; then _millrace; else compdef _millrace millrace; fi\n");
  return out;
}

std::string FishScript(const std::vector<Command>& commands) {
  std::string out = absl::StrCat(
      "# fish completion of millrace; made by `millrace completion fish`.\n"
      "function __millrace_at\n"
      "  set -l typed millrace\n"
      "  for word in (commandline -opc)[2..-1]\n"
      "    switch \"$typed $word\"\n"
      "      case ",
      PathPatterns(commands, " "),
      "\n        set typed \"$typed $word\"\n    end\n  end\n  test \"$typed\" = \"$argv\"\nend\n"
      "complete -c millrace -f\n");
  for (const Command& command : commands) {
    const std::string here = absl::StrCat("complete -c millrace -n '__millrace_at ", command.path, "'");
    for (const auto& [word, help] : Candidates(command, commands)) {
      if (word.starts_with('-')) continue;
      absl::StrAppend(&out, here, " -a ", word, " -d ", FishQuoted(help), "\n");
    }
    if (TakesFile(command)) absl::StrAppend(&out, here, " -F\n");
    for (const Argument& argument : command.arguments) {
      if (argument.names.empty()) continue;
      absl::StrAppend(&out, here);
      for (const std::string& name : argument.names) {
        absl::StrAppend(&out, name.starts_with("--") ? " -l " : " -s ", name.substr(name.starts_with("--") ? 2 : 1));
      }
      if (!argument.choices.empty()) {
        absl::StrAppend(&out, " -x -a ", FishQuoted(absl::StrJoin(argument.choices, " ")));
      } else if (argument.takes_value) {
        absl::StrAppend(&out, argument.is_file ? " -r -F" : " -x");
      }
      absl::StrAppend(&out, " -d ", FishQuoted(argument.help), "\n");
    }
  }
  return out;
}

}  // namespace

std::string CompletionScript(const CLI::App& app, std::string_view shell) {
  std::vector<Command> commands;
  ReadCommands(app, app.get_name(), {}, commands);
  if (shell == "zsh") return ZshScript(commands);
  return shell == "fish" ? FishScript(commands) : BashScript(commands);
}

}  // namespace millrace::cli
