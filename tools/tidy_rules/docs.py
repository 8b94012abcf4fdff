"""Rules for documents, and for what must not get into the repository at all."""

import posixpath
import re

from tidy_rules.tree import Finding

ADR_FOLDER = "docs/adr"
# Documents that lead to the others; a page that none of them links is lost.
MAPS = ("README.md", "docs/ARCHITECTURE.md")

_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+\s+(.*?)\s*$")
_ADR = re.compile(r"(\d{4})-[a-z0-9-]+\.md")

# Assembled, so that this file does not find itself.
_PRIVATE = [
    (re.compile(r"(?<![\w.~-])/(?:" + "|".join(["home/[a-z]", "root/", "Users/", "work/"]) + ")"), "a path of one machine"),
    (re.compile("GOPROXY" + "="), "a registry host"),
    (re.compile("(?:extra-)?index" + "-url"), "a registry host"),
    (re.compile('"resolved": "' + "http"), "a registry host"),
    (re.compile(r"registry\." + r"npmjs|proxy\." + r"golang\.org"), "a registry host"),
]


def markdown_lines(tree, path):
    """The lines of a page outside fenced code."""
    fenced = False
    for number, line in tree.lines(path):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield number, line


def anchors(tree, path):
    """The anchors that headings of a page make, as GitHub spells them."""
    found = set()
    for _, line in markdown_lines(tree, path):
        if match := _HEADING.match(line):
            kept = re.sub(r"[^\w\- ]", "", match.group(1).replace("`", "").lower())
            found.add(kept.replace(" ", "-"))
    return found


def links(tree, path):
    """(line, path or None for this page, anchor or '') of every link that stays inside the repository."""
    for number, line in markdown_lines(tree, path):
        for target in _LINK.findall(line):
            if re.match(r"[a-z]+:", target):
                continue
            file, _, anchor = target.partition("#")
            yield number, posixpath.normpath(posixpath.join(posixpath.dirname(path), file)) if file else None, anchor


def links_lead_somewhere(tree):
    for path in tree.matching(".md"):
        for number, target, anchor in links(tree, path):
            page = target or path
            if page not in tree.paths and not tree.has_folder(page):
                yield Finding(path, number, "link", f"{page} does not exist", "mend the path; it is relative to this page")
            elif anchor and page.endswith(".md") and anchor not in anchors(tree, page):
                yield Finding(path, number, "link", f"{page} has no heading #{anchor}",
                              "mend the anchor: the heading in lower case, spaces as hyphens")


def pages_can_be_found(tree):
    present = [path for path in MAPS if path in tree.paths]
    linked = {target for path in present for _, target, _ in links(tree, path)}
    for path in tree.matching(".md"):
        in_folder = posixpath.dirname(path) in linked
        if present and path.startswith("docs/") and path not in MAPS and path not in linked and not in_folder:
            yield Finding(path, 1, "lost", "no map leads to this page", f"link it from {' or '.join(MAPS)}")


def decisions_are_numbered(tree):
    pages = [path for path in tree.paths if posixpath.dirname(path) == ADR_FOLDER]
    expected = 1
    for path in pages:
        match = _ADR.fullmatch(posixpath.basename(path))
        if not match:
            yield Finding(path, 1, "adr", "the name is not NNNN-some-words.md", "rename it; numbers count from 0001")
            continue
        if int(match.group(1)) != expected:
            yield Finding(path, 1, "adr", f"number {match.group(1)} where {expected:04} follows",
                          "give each decision the next number; none is reused or left out")
        expected = int(match.group(1)) + 1
        first = tree.text(path).split("\n", 1)[0]
        if not first.startswith(f"# {match.group(1)}. "):
            yield Finding(path, 1, "adr", "the title does not begin with its number", f"begin with `# {match.group(1)}. `")


def nothing_private_is_kept(tree):
    for path in tree.paths:
        if path.startswith("data/") and not path.endswith(".md"):
            continue
        for number, line in tree.lines(path):
            for pattern, what in _PRIVATE:
                if match := pattern.search(line):
                    yield Finding(path, number, "private", f"`{match.group()}` is {what}",
                                  "take it out, or compute it where it is needed")


RULES = [links_lead_somewhere, pages_can_be_found, decisions_are_numbered, nothing_private_is_kept]
