#!/usr/bin/env python3
"""Each house rule on a small tree that breaks it, and on one that does not. Run: python3 tools/tidy_test.py"""

import pathlib
import tempfile
import unittest

import tidy
from tidy_rules.tree import Tree

PRAGMA = "#pragma once\n"


class TidyTest(unittest.TestCase):
    def check(self, files):
        """Findings in a tree of {path: text}, as (rule, path, line)."""
        with tempfile.TemporaryDirectory() as folder:
            for path, text in files.items():
                file = pathlib.Path(folder, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
            return [(finding.rule, finding.path, finding.line) for finding in tidy.check(Tree(folder))]

    def assert_finds(self, files, *expected):
        self.assertEqual(self.check(files), list(expected))

    def assert_clean(self, files):
        self.assert_finds(files)


class ArrowTest(TidyTest):
    def test_an_arrow_of_the_table_is_fine(self):
        self.assert_clean({
            "server/core/a.cc": '#include "storage/store/s.h"\n#include "server/core/b.h"\n#include "millrace/v1/job.pb.h"\n',
            "server/core/b.h": PRAGMA,
            "storage/store/s.h": PRAGMA,
        })

    def test_an_arrow_back_is_found(self):
        self.assert_finds({
            "storage/store/a.cc": '#include "server/core/b.h"\n',
            "server/core/b.h": PRAGMA,
        }, ("arrow", "storage/store/a.cc", 1))

    def test_storage_does_not_know_messages(self):
        self.assert_finds({"storage/format/a.cc": '\n#include "millrace/v1/job.pb.h"\n'},
                          ("arrow", "storage/format/a.cc", 2))

    def test_an_arrow_may_lead_to_a_single_header(self):
        self.assert_finds({
            "storage/engine/a.cc": '#include "storage/model/errors.h"\n#include "storage/model/job.h"\n',
            "storage/model/errors.h": PRAGMA,
            "storage/model/job.h": PRAGMA,
        }, ("arrow", "storage/engine/a.cc", 2))

    def test_a_file_outside_the_rooms_is_found(self):
        self.assert_finds({"server/misc/a.cc": ""}, ("room", "server/misc/a.cc", 1))

    def test_rocksdb_stays_in_the_engine(self):
        include = '#include "rocksdb/db.h"\n'
        self.assert_finds({
            "storage/engine/a.cc": include,
            "storage/store/a.cc": include,
        }, ("library", "storage/store/a.cc", 1))

    def test_rocksdb_may_be_known_to_tests_of_the_engine(self):
        include = '#include <rocksdb/env.h>\n'
        self.assert_finds({
            "storage/engine/a.cc": "",
            "tests/storage/engine/helper.cc": include,
            "tests/storage/store/helper.cc": include,
        }, ("library", "tests/storage/store/helper.cc", 1))

    def test_grpc_stays_at_the_rim(self):
        include = '#include "millrace/v1/job_service.grpc.pb.h"\n#include "grpcpp/grpcpp.h"\n'
        self.assert_finds({
            "client/cpp/internal/a.cc": include,
            "server/handlers/a.cc": include,
            "server/rpc/a.cc": include,
            "tests/server/rpc/helper.cc": include,
        }, ("grpc", "server/handlers/a.cc", 1), ("grpc", "server/handlers/a.cc", 2))

    def test_a_room_must_not_link_against_the_arrows(self):
        self.assert_finds({
            "storage/model/CMakeLists.txt": "millrace_room(model_target\n  USES absl::status store_target)\n",
            "storage/store/CMakeLists.txt": "millrace_room(store_target USES model_target)\n",
        }, ("link", "storage/model/CMakeLists.txt", 1))

    def test_what_is_included_must_be_linked_directly_or_through_others(self):
        files = {
            "storage/model/CMakeLists.txt": "millrace_room(model_target)\n",
            "storage/model/m.h": PRAGMA,
            "storage/store/CMakeLists.txt": "millrace_room(store_target USES model_target)\n",
            "server/core/CMakeLists.txt": "millrace_room(core_target)\ntarget_link_libraries(core_target PRIVATE store_target)\n",
            "server/core/a.cc": '#include "storage/model/m.h"\n',
        }
        self.assert_clean(files)
        files["server/core/CMakeLists.txt"] = "millrace_room(core_target)\n"
        self.assert_finds(files, ("link", "server/core/a.cc", 1))


class CodeTest(TidyTest):
    def test_a_long_file_is_found_whatever_its_language(self):
        for path in ("storage/model/a.cc", "tools/a.py", "tests/storage/model/a_test.cc"):
            with self.subTest(path):
                findings = self.check({path: "\n" * 401})
                self.assertIn(("length", path, 401), findings)
                self.assertNotIn("length", [rule for rule, _, _ in self.check({path: "\n" * 400})])

    def test_a_shell_script_needs_no_suffix_to_be_long(self):
        self.assert_finds({"tools/door": "#!/usr/bin/env bash\n" + "true\n" * 400}, ("length", "tools/door", 401))

    def test_reading_the_clock_is_found_outside_the_clock(self):
        code = "auto a = absl::Now();\nauto b = std::chrono::steady_clock::now();\n"
        self.assert_finds({"storage/model/clock.cc": code, "server/core/a.cc": code},
                          ("banned", "server/core/a.cc", 1), ("banned", "server/core/a.cc", 2))

    def test_sleeping_is_found_everywhere(self):
        for call in ("absl::SleepFor(d);", "std::this_thread::sleep_for(d);", "usleep(1);", "::sleep(1);"):
            with self.subTest(call):
                self.assert_finds({"storage/model/clock.cc": call + "\n"}, ("banned", "storage/model/clock.cc", 1))

    def test_words_in_comments_and_texts_are_not_calls(self):
        self.assert_clean({"server/core/a.cc": """
// Never absl::Now() here. TIME(0)
/* usleep(1)
   std::chrono::system_clock */
const char* text = "absl::SleepFor \\" absl::Now";
const char* raw = R"(absl::Now())";
int million = 1'000'000; char quote = '"'; char next = '\\'';
store.sleep(); queue->usleep(1); lifetime(0);
"""})

    def test_code_behind_a_digit_separator_is_seen(self):
        self.assert_finds({"server/core/a.cc": "f(1'000, absl::Now());\n"}, ("banned", "server/core/a.cc", 1))

    def test_scripts_of_tests_do_not_sleep(self):
        self.assert_finds({"tests/e2e/a.py": "import time\ntime.sleep(1)\n", "tools/a.py": "time.sleep(1)\n"},
                          ("banned", "tests/e2e/a.py", 2))

    def test_a_header_without_guard_is_found(self):
        self.assert_finds({"storage/model/a.h": "", "storage/model/a.cc": '#include "storage/model/a.h"\n'},
                          ("guard", "storage/model/a.h", 1))

    def test_a_header_that_nobody_includes_is_found(self):
        self.assert_finds({"storage/model/a.h": PRAGMA, "client/cpp/offered.h": PRAGMA}, ("dead", "storage/model/a.h", 1))

    def test_promises_of_later_work_are_found(self):
        self.assert_finds({"storage/model/a.cc": "// TO" + "DO: all\n"}, ("later", "storage/model/a.cc", 1))

    def test_using_namespace_is_found(self):
        self.assert_finds({"storage/model/a.cc": "using namespace std;\n"}, ("banned", "storage/model/a.cc", 1))


class TestTest(TidyTest):
    REGISTERED = "millrace_tests(storage_model USES millrace_storage_model)\n"

    def test_a_registered_mirrored_test_is_fine(self):
        self.assert_clean({
            "storage/model/ids.cc": "",
            "tests/storage/model/CMakeLists.txt": self.REGISTERED,
            "tests/storage/model/ids_test.cc": "TEST(IdsTest, SortByTime) {}\n",
        })

    def test_a_forgotten_test_is_found(self):
        self.assert_finds({"storage/model/ids.cc": "", "tests/storage/model/ids_test.cc": ""},
                          ("unregistered", "tests/storage/model/ids_test.cc", 1))

    def test_a_test_of_nothing_is_found(self):
        self.assert_finds({"tests/storage/gone/CMakeLists.txt": self.REGISTERED, "tests/storage/gone/a_test.cc": ""},
                          ("mirror", "tests/storage/gone/a_test.cc", 1))

    def test_folders_of_their_own_need_no_source(self):
        self.assert_clean({"tests/e2e/CMakeLists.txt": self.REGISTERED, "tests/e2e/kill_test.cc": ""})

    def test_names_have_no_underscores(self):
        self.assert_finds({
            "tests/e2e/CMakeLists.txt": self.REGISTERED,
            "tests/e2e/a_test.cc": "TEST_F(Kill, loses_nothing) {}\n",
        }, ("name", "tests/e2e/a_test.cc", 1))


class ProtoTest(TidyTest):
    ERRORS = "enum ErrorReason {\n  ERROR_REASON_UNSPECIFIED = 0;\n  // Why.\n  FIELD_INVALID = 1;\n}\n"

    def test_banned_nouns_are_found_in_every_kind_of_name(self):
        self.assert_finds({"protos/a.proto": """
// A batch in a comment is fine.
message BatchJob {
  repeated string work_items = 1;
  map<string, int32> tasks_by_name = 2;
  string correlation_id = 3;
  AggregationOperator operator = 4;
}
service S { }
  rpc StartOperation(A) returns (B);
"""}, *[("noun", "protos/a.proto", line) for line in (3, 4, 5, 10)])

    def test_a_reason_without_a_row_is_found(self):
        self.assert_finds({"protos/millrace/v1/errors.proto": self.ERRORS, "docs/ERRORS.md": "| `GONE` | x |\n"},
                          ("document", "docs/ERRORS.md", 1), ("document", "docs/ERRORS.md", 1))

    def test_reasons_and_record_codes_share_the_page(self):
        self.assert_clean({
            "protos/millrace/v1/errors.proto": self.ERRORS,
            "server/core/service_runner.h": PRAGMA + 'inline constexpr std::string_view kHeld = "HELD";\n',
            "server/core/service_runner.cc": '#include "server/core/service_runner.h"\n',
            "docs/ERRORS.md": "| `FIELD_INVALID` | x |\n| `HELD` | y |\n",
        })

    def test_a_state_without_a_row_is_found(self):
        self.assert_finds({
            "protos/millrace/v1/job.proto": "enum JobState {\n  JOB_STATE_CREATED = 1;\n  JOB_STATE_FAILED = 8;\n}\n",
            "docs/STATE_MACHINE.md": "| `CREATED` | x |\n",
        }, ("document", "docs/STATE_MACHINE.md", 1))


class DocumentTest(TidyTest):
    def test_links_to_files_folders_and_headings_are_checked(self):
        self.assert_finds({
            "README.md": "[a](docs/A.md#two-words) [d](docs) [x](https://nowhere)\n[b](docs/B.md)\n[c](docs/A.md#gone)\n",
            "docs/A.md": "## Two `words`\n```\n[not](a/link)\n```\n",
        }, ("link", "README.md", 2), ("link", "README.md", 3))

    def test_a_page_that_no_map_leads_to_is_found(self):
        self.assert_finds({"README.md": "", "docs/A.md": ""}, ("lost", "docs/A.md", 1))

    def test_decisions_count_from_one_without_gaps(self):
        self.assert_finds({
            "docs/adr/0001-a.md": "# 1. A\n",
            "docs/adr/0003-b.md": "# 0003. B\n",
            "docs/adr/notes.md": "",
        }, ("adr", "docs/adr/0001-a.md", 1), ("adr", "docs/adr/0003-b.md", 1), ("adr", "docs/adr/notes.md", 1))

    def test_machine_paths_and_registry_hosts_are_found(self):
        for text in ("/ho" + "me/ann/x", "cd /wo" + "rk/here", "GOPROXY" + "=x", "--index" + "-url x"):
            with self.subTest(text):
                self.assert_finds({"docs.txt": text + "\n"}, ("private", "docs.txt", 1))
        self.assert_clean({"docs.txt": "a/work/b ~/home/x\n"})


if __name__ == "__main__":
    unittest.main()
