#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tools/millrace/commands.h"
#include "tools/millrace/human.h"
#include "tools/millrace/json_output.h"
#include "tools/millrace/list.h"
#include "tools/millrace/render.h"
#include "tools/millrace/retry.h"

namespace millrace::cli {
namespace {

constexpr char kStatePrefix[] = "EXCEPTION_STATE_";

struct ExceptionsOptions {
  std::string id;
  std::string group;
  std::vector<std::string> states;
  bool held = false;
  int64_t limit = 100;
};

struct ResolveOptions {
  std::string id;
  std::string exception;
  std::string input;
  std::string outputs;
  bool discard = false;
  std::string note;
};

struct AnswerOptions {
  std::string id;
  std::string exception;
  std::string answer;
  std::string note;
};

struct ReprocessOptions {
  std::string id;
  std::vector<std::string> exceptions;
  std::string group;
  bool all = false;
  RetryOptions retry;
};

std::string StateOf(const v1::RecordException& exception) {
  return std::string(absl::StripPrefix(v1::ExceptionState_Name(exception.state()), kStatePrefix));
}

absl::StatusOr<ExitCode> List(Session& session, const ExceptionsOptions& options) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  v1::ListExceptionsRequest request;
  request.set_job_id(options.id);
  request.set_fingerprint(options.group);
  request.set_held_only(options.held);
  for (const std::string& name : options.states) {
    v1::ExceptionState state = v1::EXCEPTION_STATE_UNSPECIFIED;
    v1::ExceptionState_Parse(absl::StrCat(kStatePrefix, absl::AsciiStrToUpper(name)), &state);
    request.add_states(state);
  }
  const auto list = TakeFirst(client->AllExceptions(request, session.call()), options.limit);
  if (!list.ok()) return During("cannot list the exceptions", list.status());
  if (session.json()) {
    session.PrintJson(
        JsonObject({{"exceptions", JsonArrayOf(list->items, &ExceptionToJson)}, {"truncated", list->truncated()}}));
    return ExitCode::kOk;
  }
  Table table({{"ID"}, {"STATE"}, {"CODE"}, {"NODE"}, {"ATTEMPTS"}, {"MESSAGE"}, {"INPUT"}});
  for (const v1::RecordException& exception : list->items) {
    table.AddRow({exception.id(), StateOf(exception), exception.code(), exception.node(),
                  absl::StrCat(std::max(exception.attempts(), 1)), exception.message(), exception.input()});
  }
  if (!table.empty()) session.out() << table.Render(session.out_style());
  TellEnd(session, *list, "no exception");
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Groups(Session& session, const ExceptionsOptions& options) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  v1::ListExceptionGroupsRequest request;
  request.set_job_id(options.id);
  std::vector<v1::ExceptionGroup> groups;
  auto status = client->AllExceptionGroups(request, session.call()).ForEach([&](const v1::ExceptionGroup& group) {
    groups.push_back(group);
    return absl::OkStatus();
  });
  if (!status.ok()) return During("cannot list the exception groups", status);
  if (session.json()) {
    session.PrintJson(JsonObject({{"groups", JsonArrayOf(groups)}}));
    return ExitCode::kOk;
  }
  session.out() << RenderExceptionGroups({groups.begin(), groups.end()}, session);
  if (groups.empty()) session.err() << "no exception\n";
  return ExitCode::kOk;
}

void PrintException(Session& session, const v1::RecordException& exception) {
  if (session.json()) {
    session.PrintJson(ExceptionToJson(exception));
  } else {
    session.out() << RenderException(exception, session);
  }
}

absl::StatusOr<ExitCode> Show(Session& session, const ResolveOptions& options) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  v1::GetExceptionRequest request;
  request.set_job_id(options.id);
  request.set_exception_id(options.exception);
  const auto exception = client->GetException(request, session.call());
  if (!exception.ok()) return During("cannot show the exception", exception.status());
  PrintException(session, *exception);
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Resolve(Session& session, const ResolveOptions& options) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  v1::ResolveExceptionRequest request;
  request.set_job_id(options.id);
  request.set_exception_id(options.exception);
  request.set_note(options.note);
  if (!options.input.empty()) request.set_corrected_input(options.input);
  if (!options.outputs.empty()) request.set_outputs(options.outputs);
  if (options.discard) request.set_discard(true);
  const auto exception = client->ResolveException(request, session.call());
  if (!exception.ok()) return During("the exception was not resolved", exception.status());
  PrintException(session, *exception);
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Answer(Session& session, const AnswerOptions& options) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  v1::ResolveExceptionRequest request;
  request.set_job_id(options.id);
  request.set_exception_id(options.exception);
  request.set_note(options.note);
  request.set_answer(options.answer);
  const auto exception = client->ResolveException(request, session.call());
  if (!exception.ok()) return During("the question was not answered", exception.status());
  PrintException(session, *exception);
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Reprocess(Session& session, const ReprocessOptions& options) {
  const auto client = session.Connect(kRetryFor);
  if (!client.ok()) return client.status();
  v1::RetryJobRequest request = RetryRequestOf(options.id, options.group, options.retry);
  for (const std::string& exception : options.exceptions) request.mutable_ids()->add_ids(exception);
  return RetryOne(session, *client, request, options.retry.wait);
}

void AddResolveCommand(CommandTree& tree, CLI::App* group) {
  auto options = std::make_shared<ResolveOptions>();
  CLI::App* resolve =
      tree.AddCommand(group, "resolve", "Resolve one exception by hand; the original is kept",
                      "# run a mended record in its place\n"
                      "millrace exceptions resolve JOB 12-7 --input '{\"n\": 5}' --note 'typing error'\n"
                      "# its outputs are known\n"
                      "millrace exceptions resolve JOB 12-7 --outputs '{\"total\": 0}'\n"
                      "# no result is wanted\n"
                      "millrace exceptions resolve JOB 12-7 --discard --note duplicate");
  resolve->add_option("JOB", options->id, "The job")->required();
  resolve->add_option("EXCEPTION", options->exception, "The exception, as `exceptions list` names it")->required();
  CLI::Option_group* how = resolve->add_option_group("how");
  how->add_option("--input", options->input, "Run this record in place of the one that failed")->type_name("JSON");
  how->add_option("--outputs", options->outputs, "Give the record these outputs; nothing is run")->type_name("JSON");
  how->add_flag("--discard", options->discard, "No result of the record is wanted");
  how->require_option(1);
  resolve->add_option("--note", options->note, "Why; kept with the exception")->type_name("TEXT");
  tree.OnRun(resolve, options, &Resolve);
}

void AddAnswerCommand(CommandTree& tree, CLI::App* group) {
  auto options = std::make_shared<AnswerOptions>();
  CLI::App* answer =
      tree.AddCommand(group, "answer", "Answer the question of a record that is held, and run it again with that",
                      "millrace exceptions list JOB --held --state unresolved\n"
                      "millrace exceptions answer JOB 12-7 yes --note 'asked Ann'");
  answer->add_option("JOB", options->id, "The job")->required();
  answer->add_option("EXCEPTION", options->exception, "The exception, as `exceptions list` names it")->required();
  answer->add_option("TEXT", options->answer, "What `hold` returns to the service")->required();
  answer->add_option("--note", options->note, "Why; kept with the exception")->type_name("TEXT");
  tree.OnRun(answer, options, &Answer);
}

void AddReprocessCommand(CommandTree& tree, CLI::App* group) {
  auto options = std::make_shared<ReprocessOptions>();
  CLI::App* reprocess =
      tree.AddCommand(group, "reprocess", "Run records that failed once more, under the job's present version",
                      "millrace exceptions reprocess JOB --all --preview\n"
                      "millrace exceptions reprocess JOB --group 9f86d081884c7d65 --wait\n"
                      "millrace exceptions reprocess JOB 12-7 12-8 --note 'the price list was missing'");
  reprocess->add_option("JOB", options->id, "The job")->required();
  CLI::Option_group* which = reprocess->add_option_group("which");
  which->add_option("EXCEPTION", options->exceptions, "Some, as `exceptions list` names them");
  which->add_option("--group", options->group, "Those of a group, as `exceptions groups` names it")->type_name("GROUP");
  which->add_flag("--all", options->all, "Every one that is unresolved");
  which->require_option(1);
  AddRetryOptions(reprocess, options->retry);
  tree.OnRun(reprocess, options, &Reprocess);
}

}  // namespace

void AddExceptionsCommands(CommandTree& tree) {
  CLI::App* group = tree.AddGroup("exceptions", "Exceptions: records that failed, kept with their input and reason");
  auto list_options = std::make_shared<ExceptionsOptions>();
  CLI::App* list = tree.AddCommand(group, "list", "List the exceptions of a job in the order of its input",
                                   "millrace exceptions list 01h2xcejqtf2nbrexx3vqjhp41 --limit 20\n"
                                   "millrace exceptions list 01h2xcejqtf2nbrexx3vqjhp41 --group 9f86d081884c7d65\n"
                                   "# the questions that wait for an answer\n"
                                   "millrace exceptions list ID --held --state unresolved\n"
                                   "# the records alone, ready to be mended\n"
                                   "millrace exceptions list ID -o json | jq -c '.exceptions[].input'");
  list->add_option("ID", list_options->id, "The job")->required();
  list->add_option("--group", list_options->group, "Only exceptions of this group, as `exceptions groups` names it")
      ->type_name("GROUP");
  list->add_option("--state", list_options->states, "Only exceptions in this state. May be repeated")
      ->type_name("STATE")
      ->expected(1)
      ->take_all()
      ->check(CLI::IsMember(EnumNames(*v1::ExceptionState_descriptor(), kStatePrefix), CLI::ignore_case));
  list->add_flag("--held", list_options->held, "Only records about which their service asks a person");
  list->add_option("--limit", list_options->limit, "The most exceptions to list")
      ->type_name("N")
      ->check(AtLeastOne())
      ->capture_default_str();
  tree.OnRun(list, list_options, &List);

  auto groups_options = std::make_shared<ExceptionsOptions>();
  CLI::App* groups =
      tree.AddCommand(group, "groups", "Count the exceptions of a job by cause: node, code and message, largest first",
                      "millrace exceptions groups 01h2xcejqtf2nbrexx3vqjhp41");
  groups->add_option("ID", groups_options->id, "The job")->required();
  tree.OnRun(groups, groups_options, &Groups);

  auto show_options = std::make_shared<ResolveOptions>();
  CLI::App* show =
      tree.AddCommand(group, "show", "Show one exception: the record, why it failed, what was done about it",
                      "millrace exceptions show 01h2xcejqtf2nbrexx3vqjhp41 12-7");
  show->add_option("JOB", show_options->id, "The job")->required();
  show->add_option("EXCEPTION", show_options->exception, "The exception, as `exceptions list` names it")->required();
  tree.OnRun(show, show_options, &Show);

  AddResolveCommand(tree, group);
  AddAnswerCommand(tree, group);
  AddReprocessCommand(tree, group);
  AddExceptionsExportCommand(tree, group);
}

}  // namespace millrace::cli
