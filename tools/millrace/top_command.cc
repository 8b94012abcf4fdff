// `top`: the jobs that are at work, with how fast each goes, drawn again every few seconds.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/millrace/commands.h"
#include "tools/millrace/human.h"
#include "tools/millrace/json_output.h"
#include "tools/millrace/render.h"
#include "tools/millrace/watch.h"

namespace millrace::cli {
namespace {

constexpr double kIntervalDefault = 2;
constexpr double kIntervalMin = 0.1;
constexpr double kIntervalMax = 3'600;

// The largest that DescribePipelines gives; what is shown is cut to the terminal.
constexpr int32_t kJobsMax = 1'000;

// Of the picture, those that are no jobs: what stands above them, what stands below, and a line for the cursor.
constexpr int kOtherLines = 6;

struct TopOptions {
  double interval_seconds = kIntervalDefault;
  /// 0: until the user interrupts, or one where the output is no terminal.
  int64_t frames = 0;
};

/// A second screen of the terminal as long as this lives, so that what stood there before is there afterwards.
class SecondScreen {
 public:
  explicit SecondScreen(std::ostream& out) : out_(out) { out_ << "\x1b[?1049h\x1b[?25l"; }
  ~SecondScreen() { out_ << "\x1b[?25h\x1b[?1049l" << std::flush; }
  SecondScreen(const SecondScreen&) = delete;
  SecondScreen& operator=(const SecondScreen&) = delete;

  /// Draws over what is there, which flickers less than clearing it.
  void Draw(const std::string& picture) {
    out_ << "\x1b[H";
    for (const char c : picture) {
      if (c == '\n') out_ << "\x1b[K";
      out_ << c;
    }
    out_ << "\x1b[J" << std::flush;
  }

 private:
  std::ostream& out_;
};

/// Knows how many records of each job were through a picture ago.
class Rates {
 public:
  explicit Rates(client::Clock* timer) : timer_(timer) {}

  /// Takes note of the jobs. To be called once a picture, with all of them.
  void Note(const google::protobuf::RepeatedPtrField<v1::Job>& jobs) {
    const absl::Duration now = timer_->Elapsed();
    absl::flat_hash_map<std::string, int64_t> through;
    rates_.clear();
    for (const v1::Job& job : jobs) {
      const int64_t records = RecordsThrough(job.summary());
      through[job.id()] = records;
      const auto before = through_.find(job.id());
      if (before == through_.end() || now <= noted_) continue;
      // A job whose id was given to another one begins anew.
      const auto more = static_cast<double>(std::max<int64_t>(0, records - before->second));
      rates_[job.id()] = more / absl::ToDoubleSeconds(now - noted_);
    }
    through_ = std::move(through);
    noted_ = now;
  }

  /// Records a second; absent for a job that is seen for the first time.
  std::optional<double> Of(const v1::Job& job) const {
    const auto rate = rates_.find(job.id());
    return rate == rates_.end() ? std::nullopt : std::make_optional(rate->second);
  }

 private:
  client::Clock* const timer_;
  absl::Duration noted_;
  absl::flat_hash_map<std::string, int64_t> through_;
  absl::flat_hash_map<std::string, double> rates_;
};

std::string Share(const v1::Job& job) {
  const std::optional<double> share = ProgressOf(job).share;
  return share.has_value() ? absl::StrFormat("%.0f%%", 100 * *share) : "-";
}

std::string HeadLines(const v1::DescribePipelinesResponse& description, const Session& session) {
  const v1::TenantDescription& tenant = description.tenant();
  const auto buffer = [](int64_t used, int64_t allocated) {
    return absl::StrCat(HumanBytes(used), " of ", HumanBytes(allocated));
  };
  return absl::StrCat(session.out_style().Bold(absl::StrCat("millraced ", Printable(description.server().version()))),
                      " at ", Printable(session.options().server), ", up since ",
                      session.Time(description.server().start_time()), "\n", tenant.workers_in_use(), " of ",
                      tenant.max_workers(), " workers busy, input ",
                      buffer(tenant.input_buffer_used_bytes(), tenant.input_buffer_allocated_bytes()), ", output ",
                      buffer(tenant.output_buffer_used_bytes(), tenant.output_buffer_allocated_bytes()), "\n");
}

/// Fastest first, then newest.
std::string JobLines(const v1::DescribePipelinesResponse& description, const Rates& rates, const Session& session) {
  std::vector<const v1::Job*> jobs;
  jobs.reserve(static_cast<size_t>(description.active_pipelines_size()));
  for (const v1::Job& job : description.active_pipelines()) jobs.push_back(&job);
  std::stable_sort(jobs.begin(), jobs.end(), [&](const v1::Job* a, const v1::Job* b) {
    return rates.Of(*a).value_or(0) > rates.Of(*b).value_or(0);
  });
  if (jobs.empty()) return "no job is at work\n";
  const auto shown = static_cast<size_t>(std::max(1, session.environment().terminal_rows - kOtherLines));
  Table table({{"ID"},
               {"SERVICE"},
               {"STATE"},
               {"DONE", Align::kRight},
               {"RECORDS", Align::kRight},
               {"FAILED", Align::kRight},
               {"RECORDS/S", Align::kRight},
               {"RUN TIME", Align::kRight},
               {"NAME"}});
  for (size_t i = 0; i < std::min(shown, jobs.size()); ++i) {
    const v1::Job& job = *jobs[i];
    const std::optional<double> rate = rates.Of(job);
    table.AddRow({job.id(), job.service_uri(), DescribeState(job.state(), job.outcome()), Share(job),
                  HumanCount(RecordsThrough(job.summary())), HumanCount(job.summary().records_failed()),
                  rate.has_value() ? HumanCount(static_cast<int64_t>(*rate)) : "-",
                  HumanDuration(FromProto(job.summary().run_time())), job.metadata().name()});
  }
  std::string text = table.Render(session.out_style());
  if (jobs.size() > shown || description.truncated()) {
    absl::StrAppend(&text, "and ", jobs.size() - std::min(shown, jobs.size()),
                    description.truncated() ? " or more" : "",
                    " others; `millrace jobs list --unfinished` shows them\n");
  }
  return text;
}

absl::StatusOr<ExitCode> Top(Session& session, const TopOptions& options) {
  const Environment& environment = session.environment();
  const bool draws = environment.out_is_terminal && !session.json();
  const int64_t frames = options.frames == 0 && !draws ? 1 : options.frames;
  // A server that goes away later is waited for, a picture at a time.
  const auto client = session.Connect(absl::ZeroDuration());
  if (!client.ok()) return client.status();
  Rates rates(environment.timer);
  std::optional<SecondScreen> screen;
  std::string last;
  for (int64_t frame = 1;; ++frame) {
    v1::DescribePipelinesRequest request;
    request.set_max_pipelines(kJobsMax);
    const auto description = client->DescribePipelines(request, session.call());
    if (environment.stop.stop_requested()) return ExitCode::kOk;
    if (!description.ok() && (last.empty() || !absl::IsUnavailable(description.status()))) {
      return During("cannot look at the jobs", description.status());
    }
    if (description.ok()) {
      rates.Note(description->active_pipelines());
      last = absl::StrCat(HeadLines(*description, session), "\n", JobLines(*description, rates, session));
    }
    const std::string away =
        description.ok() ? "" : session.out_style().Red("the server cannot be reached; this is how it was\n");
    if (session.json()) {
      if (description.ok()) session.PrintJson(*description);
      session.out().flush();
    } else if (draws) {
      if (!screen.has_value()) screen.emplace(session.out());
      screen->Draw(absl::StrCat(last, "\n", away));
    } else {
      session.out() << (frame == 1 ? "" : "\n") << last << away << std::flush;
    }
    if (frame == frames) return ExitCode::kOk;
    // Leaving is how one ends it.
    if (!environment.timer->Sleep(absl::Seconds(options.interval_seconds), environment.stop)) return ExitCode::kOk;
  }
}

}  // namespace

void AddTopCommand(CommandTree& tree) {
  auto options = std::make_shared<TopOptions>();
  CLI::App* top = tree.AddCommand(&tree.app(), "top", "Watch the jobs that are at work, the fastest first",
                                  "millrace top\n"
                                  "millrace top --interval 10\n"
                                  "millrace top --frames 5 -o json | jq .tenant.workers_in_use");
  top->add_option("--interval", options->interval_seconds, "How often to look")
      ->type_name("SECONDS")
      ->capture_default_str()
      ->check(CLI::Range(kIntervalMin, kIntervalMax).description(""));
  top->add_option("--frames", options->frames,
                  "How often in all (default: until it is interrupted, or once where the output is no terminal)")
      ->type_name("N")
      ->check(AtLeastOne());
  tree.OnRun(top, options, &Top);
}

}  // namespace millrace::cli
