"""What every rule works with: the files of the repository, and findings in them."""

import dataclasses
import functools
import os
import pathlib
import re

# In a linked worktree, `.git` is a file.
SKIPPED_NAMES = {".git", ".cache", "build", "__pycache__"}


@dataclasses.dataclass(frozen=True, order=True)
class Finding:
    path: str
    line: int
    rule: str
    what: str
    fix: str

    def __str__(self):
        return f"{self.path}:{self.line}: [{self.rule}] {self.what}\n    fix: {self.fix}"


class Tree:
    """The files under a root, by path relative to it, with forward slashes."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.paths = sorted(self._walk())

    def _walk(self):
        for folder, folders, files in os.walk(self.root):
            folders[:] = [name for name in folders if name not in SKIPPED_NAMES]
            for name in files:
                if name in SKIPPED_NAMES:
                    continue
                yield pathlib.Path(folder, name).relative_to(self.root).as_posix()

    @functools.cache
    def text(self, path):
        return (self.root / path).read_bytes().decode("utf-8", errors="replace")

    def lines(self, path):
        """(number, line) from 1."""
        return enumerate(self.text(path).splitlines(), 1)

    def code_lines(self, path):
        """The lines of a C++ file with the insides of comments and literals blanked."""
        return enumerate(self._code(path).splitlines(), 1)

    @functools.cache
    def _code(self, path):
        return _COMMENT_OR_LITERAL.sub(_blank, self.text(path))

    def matching(self, *suffixes):
        return [path for path in self.paths if path.endswith(suffixes)]

    def cpp(self):
        return self.matching(".cc", ".h")

    def has_folder(self, folder):
        return any(path.startswith(folder + "/") for path in self.paths)


_COMMENT_OR_LITERAL = re.compile(
    r"""//[^\n]* | /\*.*?\*/ | R"(?P<d>[^\s()\\"]*)\(.*?\)(?P=d)" | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])+'""",
    re.DOTALL | re.VERBOSE,
)


def _blank(match):
    text = match.group()
    # A digit separator (1'000'000) is not a character.
    if text.startswith("'") and match.start() > 0 and match.string[match.start() - 1].isalnum():
        return text
    inner = "\n" * text.count("\n")
    return inner if text.startswith("/") else '"' + inner + '"'
