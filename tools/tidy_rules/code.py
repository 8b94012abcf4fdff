"""Rules for single files: length, calls that are not ours to make, words that promise later work."""

import re

from tidy_rules.tree import Finding

LINES_MAX = 400

# The only files that read the machine's clock; everybody else is handed one.
CLOCKS = {"storage/model/clock.cc", "client/cpp/internal/system_clock.cc"}

_CLOCK_FIX = "take a Clock (storage/model/clock.h; client/cpp/clock.h in the SDK) and ask that"
_SLEEP_FIX = "wait for a named event: a notification, a condition, a completion"

# (pattern, what it is, how to mend it)
BANNED = [
    (r"\babsl::Now\b", "reads the clock", _CLOCK_FIX),
    (r"\babsl::GetCurrentTimeNanos\b", "reads the clock", _CLOCK_FIX),
    (r"\b(system_clock|steady_clock|high_resolution_clock)\b", "reads the clock", _CLOCK_FIX),
    (r"\b(gettimeofday|clock_gettime)\s*\(", "reads the clock", _CLOCK_FIX),
    (r"(?<![\w.>])(std::)?time\s*\(\s*(nullptr|NULL|0)\s*\)", "reads the clock", _CLOCK_FIX),
    (r"\babsl::SleepFor\b", "sleeps", _SLEEP_FIX),
    (r"\b(sleep_for|sleep_until)\b", "sleeps", _SLEEP_FIX),
    (r"(?<![\w.>])(usleep|nanosleep|sleep)\s*\(", "sleeps", _SLEEP_FIX),
    (r"(?<![\w.>])s?rand\s*\(", "is random without a seed of ours", "use a generator that is seeded at the rim"),
    (r"\busing namespace\b", "opens a namespace", "name what is used, or alias the namespace"),
]
_BANNED = [(re.compile(pattern), what, fix) for pattern, what, fix in BANNED]

_LATER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
_SCRIPT_SLEEP = re.compile(r"\b(time\.sleep|asyncio\.sleep)\s*\(|^\s*sleep\s+[\d$]")


def is_shell(tree, path):
    return path.endswith(".sh") or re.match(r"#!.*\bbash$", tree.text(path).split("\n", 1)[0]) is not None


def sources(tree):
    """C++, Python and shell."""
    return [path for path in tree.paths
            if path.endswith((".cc", ".h", ".py")) or (not path.startswith("data/") and is_shell(tree, path))]


def files_are_short(tree):
    for path in sources(tree):
        count = tree.text(path).count("\n")
        if count > LINES_MAX:
            yield Finding(path, LINES_MAX + 1, "length", f"{count} lines, more than {LINES_MAX}",
                          "split it by verb or theme; a test too")


def no_banned_calls(tree):
    for path in tree.cpp():
        for number, line in tree.code_lines(path):
            for pattern, what, fix in _BANNED:
                if what == "reads the clock" and path in CLOCKS:
                    continue
                if match := pattern.search(line):
                    yield Finding(path, number, "banned", f"`{match.group().strip()}` {what}", fix)


def scripts_of_tests_do_not_sleep(tree):
    for path in sources(tree):
        if not path.startswith("tests/") or path.endswith((".cc", ".h")):
            continue
        for number, line in tree.lines(path):
            if match := _SCRIPT_SLEEP.search(line):
                yield Finding(path, number, "banned", f"`{match.group().strip()}` sleeps", _SLEEP_FIX)


def headers_are_guarded(tree):
    for path in tree.matching(".h"):
        if not any(line.strip() == "#pragma once" for _, line in tree.lines(path)):
            yield Finding(path, 1, "guard", "no #pragma once", "put `#pragma once` below the comment of the file")


def headers_are_used(tree):
    included = set()
    for path in tree.cpp():
        included.update(re.findall(r'#\s*include\s+"([^"]+)"', tree.text(path)))
    for path in tree.matching(".h"):
        # What an SDK offers is included by its users.
        if path not in included and not path.startswith("client/cpp/"):
            yield Finding(path, 1, "dead", "no file includes this header", "remove it, or include it by its full path")


def nothing_is_left_for_later(tree):
    for path in [*sources(tree), *tree.matching(".proto", ".cmake", "CMakeLists.txt")]:
        if path.startswith("tools/tidy"):
            continue
        for number, line in tree.lines(path):
            if match := _LATER.search(line):
                yield Finding(path, number, "later", f"{match.group()} in the code", "do it, or write an issue")


RULES = [files_are_short, no_banned_calls, scripts_of_tests_do_not_sleep, headers_are_guarded, headers_are_used,
         nothing_is_left_for_later]
