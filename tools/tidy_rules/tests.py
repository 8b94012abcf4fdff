"""Rules for tests: none is forgotten, each stands where one looks for it, each states a claim."""

import posixpath
import re

from tidy_rules.tree import Finding

# Folders of tests that mirror no room.
OWN_FOLDERS = {
    "tests/support": "what several suites share",
    "tests/e2e": "whole processes, from outside",
    "tests/simulation": "stores and scheduler under a random history",
    "tests/golden": "data folders as earlier versions wrote them",
    "tests/fuzz": "what takes bytes from outside, under bytes that nobody meant",
}

_TEST = re.compile(r"^\s*(?:TYPED_)?TEST(?:_F|_P)?\(\s*(\w+)\s*,\s*(\w+)\s*\)")


def _tests(tree):
    return [path for path in tree.matching("_test.cc")]


def tests_are_registered(tree):
    for path in _tests(tree):
        cmake = posixpath.dirname(path) + "/CMakeLists.txt"
        if cmake not in tree.paths or "millrace_tests(" not in tree.text(cmake):
            yield Finding(path, 1, "unregistered", "no millrace_tests() in the folder covers this test",
                          f"write millrace_tests(<name> USES <rooms>) into {cmake}")


def tests_mirror_sources(tree):
    for path in _tests(tree):
        folder = posixpath.dirname(path)
        if not folder.startswith("tests/"):
            yield Finding(path, 1, "mirror", "a test outside tests/", f"move it to tests/{path}")
            continue
        if any(folder == own or folder.startswith(own + "/") for own in OWN_FOLDERS):
            continue
        source = folder.removeprefix("tests/")
        if not tree.has_folder(source):
            yield Finding(path, 1, "mirror", f"there is no folder {source} that this could test",
                          f"move it to where its source is, or to one of {', '.join(sorted(OWN_FOLDERS))}")


def names_state_claims(tree):
    for path in _tests(tree):
        for number, line in tree.lines(path):
            match = _TEST.match(line)
            if not match:
                continue
            for name in match.groups():
                # Tests with this prefix are run by other tests, as programs of their own.
                name = name.removeprefix("DISABLED_")
                if "_" in name or not name[0].isupper():
                    yield Finding(path, number, "name", f"`{name}` is not in CamelCase",
                                  "name a test by its claim: KeyCodecTest.ResultKeysSortByNumber")


RULES = [tests_are_registered, tests_mirror_sources, names_state_claims]
