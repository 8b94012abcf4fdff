"""Rules for the API: words that mean something else to everybody, and documents that must follow the enums."""

import re

from tidy_rules.tree import Finding

# Each means three things in the systems this one replaces. `Operator` and `operating` are other words.
BANNED_NOUNS = {
    "batch": "chunk or job", "batches": "chunks or jobs",
    "operation": "job or call", "operations": "jobs or calls",
    "item": "record", "items": "records",
    "task": "chunk or job", "tasks": "chunks or jobs",
}

_NAME = re.compile(
    r"^\s*(?:message|enum|service|rpc|oneof)\s+(\w+)"
    r"|^\s*(?:repeated\s+|optional\s+)?(?:map<[^>]*>|[\w.]+)\s+(\w+)\s*=\s*\d+"
    r"|^\s*(\w+)\s*=\s*\d+\s*;")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_ENUM_VALUE = re.compile(r"^\s+([A-Z][A-Z0-9_]*)\s*=\s*\d+\s*;", re.MULTILINE)
_RECORD_CODE = re.compile(r'string_view\s+k\w+\s*=\s*"([A-Z][A-Z0-9_]*)"')
_ROW = re.compile(r"^\|\s*`([A-Z][A-Z0-9_]*)`")

ERRORS_PROTO = "protos/millrace/v1/errors.proto"
ERRORS_PAGE = "docs/ERRORS.md"
RECORD_CODES = "server/core/service_runner.h"
JOB_PROTO = "protos/millrace/v1/job.proto"
STATES_PAGE = "docs/STATE_MACHINE.md"


def names_avoid_banned_nouns(tree):
    for path in tree.matching(".proto"):
        for number, line in tree.lines(path):
            match = _NAME.match(line)
            if not match:
                continue
            name = next(group for group in match.groups() if group)
            for word in _WORD.findall(name):
                if better := BANNED_NOUNS.get(word.lower()):
                    yield Finding(path, number, "noun", f"`{name}` says {word.lower()}", f"say {better}; see docs/GLOSSARY.md")


def enum_values(tree, path, name):
    """The values of an enum of a proto file, without the zero."""
    if path not in tree.paths:
        return []
    body = re.search(rf"^enum {name} {{(.*?)^}}", tree.text(path), re.MULTILINE | re.DOTALL)
    return [value for value in _ENUM_VALUE.findall(body.group(1)) if not value.endswith("_UNSPECIFIED")] if body else []


def record_codes(tree):
    return _RECORD_CODE.findall(tree.text(RECORD_CODES)) if RECORD_CODES in tree.paths else []


def errors_are_documented(tree):
    """docs/ERRORS.md has a row for each reason and record code, and none that is gone."""
    expected = {reason: ERRORS_PROTO for reason in enum_values(tree, ERRORS_PROTO, "ErrorReason")}
    expected.update({code: RECORD_CODES for code in record_codes(tree)})
    yield from _rows_match(tree, ERRORS_PAGE, expected)


def states_are_documented(tree):
    """docs/STATE_MACHINE.md has a row for each state of a job, and none that is gone."""
    states = [value.removeprefix("JOB_STATE_") for value in enum_values(tree, JOB_PROTO, "JobState")]
    yield from _rows_match(tree, STATES_PAGE, {state: JOB_PROTO for state in states})


def _rows_match(tree, page, expected):
    if not expected:
        return
    if page not in tree.paths:
        yield Finding(page, 1, "document", "the page is missing", "write it: one table row for each value")
        return
    rows = {match.group(1): number for number, line in tree.lines(page) if (match := _ROW.match(line))}
    for name, source in expected.items():
        if name not in rows:
            yield Finding(page, 1, "document", f"{name} of {source} has no row", f"add a row that begins with | `{name}` |")
    for name, number in rows.items():
        if name not in expected:
            yield Finding(page, number, "document", f"`{name}` does not exist (any more)", "take the row out, or mend its name")


RULES = [names_avoid_banned_nouns, errors_are_documented, states_are_documented]
