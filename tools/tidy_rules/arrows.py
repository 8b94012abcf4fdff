"""Rooms and the arrows between them: who may include whom, and who may know which library.

The table is the picture of docs/ARCHITECTURE.md. A new arrow is a decision: add it here and there.
"""

import posixpath
import re

from tidy_rules.tree import Finding

MODEL = "storage/model"
STORE = "storage/store"
CORE = "server/core"

# Room: the rooms whose headers it may include, besides its own; or single headers, where the rest of the room is none
# of its business.
ROOMS = {
    MODEL: set(),
    "storage/format": {MODEL},
    # Record files, CSV and JSON Lines, read row by row: by the CLI and by the server. Knows no jobs.
    "storage/records": {"storage/model/limits.h"},
    # Knows no jobs, but tells a full disk from a broken one in our words.
    "storage/engine": {"storage/model/errors.h"},
    STORE: {"storage/engine", "storage/format", MODEL},
    # Looks at whole stores: audits, backups. Under the server, which offers it, and under tools/db.
    "storage/maintenance": {STORE, "storage/engine", "storage/format", MODEL},
    CORE: {STORE, MODEL, "protos"},
    "server/execution": {CORE, STORE, MODEL},
    # Databases that jobs read from: rows as JSON. Knows no jobs.
    "server/queries": {CORE, "storage/records", MODEL},
    # What happened to jobs, told over HTTP.
    "server/webhooks": {CORE, STORE, "storage/records", MODEL},
    "server/background": {CORE, "server/queries", STORE, "storage/records", MODEL},
    "server/handlers": {
        CORE, "server/queries", STORE, "storage/maintenance", "storage/records", MODEL, "protos",
    },
    # A stream hands chunks to the store and goes on; what becomes of them it hears later. Nothing else of that room.
    "server/rpc": {"server/handlers", CORE, "storage/store/job_store.h", MODEL, "protos"},
    # Reads what others count; nobody but server/app knows of it.
    "server/metrics": {CORE, STORE, MODEL},
    "server/app": {
        "server/rpc", "server/metrics", "server/execution", "server/background", "server/handlers",
        "server/queries", "server/webhooks", CORE, STORE, MODEL,
    },
    "client/cpp": {"protos", "client/cpp/internal"},
    "client/cpp/internal": {"protos", "client/cpp"},
    "client/cpp/mocks": {"protos", "client/cpp"},
    # The limits that it checks before it pushes, ids for its pipelines, and how people write times and worker labels; nothing
    # else of the server's side.
    "tools/millrace": {
        "protos", "client/cpp", "storage/records", "storage/model/clock.h", "storage/model/cron.h", "storage/model/ids.h",
        "storage/model/limits.h", "storage/model/worker_labels.h",
    },
    "tools/db": {"storage/maintenance", STORE, "storage/engine", "storage/format", MODEL},
    # A server as a child process: bench and whole-process tests start it, kill it and start it again.
    "tools/harness": set(),
    # Measures the bare stages beside the whole, so it reaches into each.
    "tools/bench": {"protos", "client/cpp", "tools/harness", "server/execution", CORE, STORE, MODEL},
    # Kills servers and clients from outside: the public client is all it knows.
    "tools/crash": {"protos", "client/cpp", "tools/harness"},
    # Compiled into the programs of one preset, not into a room.
    "tools/sanitizers": set(),
}

# Include prefix: the rooms that may know the library. Tests of those rooms may, too.
LIBRARIES = {
    "rocksdb/": {"storage/engine"},
    "grpcpp/": {"server/rpc", "client/cpp/internal"},
    "grpc/": {"server/rpc", "client/cpp/internal"},
    "lz4.h": {"storage/format", "tools/bench"},
    "xxhash.h": {"storage/format", MODEL},
    "openssl/": {CORE, "server/webhooks", "storage/maintenance"},
    "curl/": {"server/webhooks"},
    "yaml-cpp/": {CORE, "server/queries"},
    "sqlite3.h": {"server/queries"},
    "libpq-fe.h": {"server/queries"},
    "simdjson.h": {CORE, "server/execution", "storage/records", "tools/millrace", "tools/bench"},
    "lua.hpp": {"server/execution"},
    "prometheus/": {"server/metrics"},
    "CLI/": {"server/app", "tools/millrace", "tools/db", "tools/bench", "tools/crash"},
    "spdlog/": {
        CORE, "server/execution", "server/background", "server/webhooks", "server/rpc", "server/app",
    },
}
SERVICE_HEADER_ROOMS = {"server/rpc", "client/cpp/internal"}

_INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]')
_TARGET = re.compile(r"\bmillrace_room\(\s*(\w+)((?:\s+USES)?[^)]*)\)")
_LINK = re.compile(r"\btarget_link_libraries\(\s*(\w+)([^)]*)\)")


def room_of(path):
    """The room of a file, or None. A test belongs to the room it mirrors."""
    folder = posixpath.dirname(path)
    return folder if folder in ROOMS else None


def tested_room(path):
    """The room that a test may look into: the deepest one that its folder mirrors, or None."""
    folder = posixpath.dirname(path).removeprefix("tests/")
    while folder:
        if folder in ROOMS:
            return folder
        folder = posixpath.dirname(folder)
    return None


def included_room(header):
    """The room that an included header belongs to, or None when it is none of ours."""
    if header.startswith(("millrace/v1/", "google/rpc/")):
        return "protos"
    return room_of(header)


def _rooms_of(allowed):
    """The rooms that a row of ROOMS names, whole or by a header."""
    return {posixpath.dirname(name) if name.endswith(".h") else name for name in allowed}


def includes(tree, path):
    for number, line in tree.lines(path):
        if match := _INCLUDE.match(line):
            yield number, match.group(1)


def every_file_has_a_room(tree):
    for path in tree.cpp():
        if room_of(path) is None and not path.startswith("tests/"):
            yield Finding(path, 1, "room", f"{posixpath.dirname(path) or '.'} is no room",
                          "move the file into a room, or add the room to ROOMS in tools/tidy_rules/arrows.py")


def includes_follow_the_arrows(tree):
    for path in tree.cpp():
        room = room_of(path)
        if room is None:
            continue
        for number, header in includes(tree, path):
            target = included_room(header)
            if target is not None and target != room and not ROOMS[room] & {target, header}:
                yield Finding(path, number, "arrow", f"{room} may not include {target} ({header})",
                              f"{room} may include: {', '.join(sorted(ROOMS[room])) or 'no other room'}")


def libraries_stay_in_their_rooms(tree):
    for path in tree.cpp():
        room = tested_room(path) if path.startswith("tests/") else room_of(path)
        for number, header in includes(tree, path):
            yield from _library_findings(path, number, header, room)


def _library_findings(path, number, header, room):
    is_test = path.startswith("tests/")
    if header.endswith(".grpc.pb.h") or header.startswith(("grpcpp/", "grpc/")):
        if not is_test and room not in SERVICE_HEADER_ROOMS:
            yield Finding(path, number, "grpc", f"{header} is included outside {' and '.join(sorted(SERVICE_HEADER_ROOMS))}",
                          "gRPC stays at the rim: take a message (*.pb.h), or move the code there")
        return
    for prefix, rooms in LIBRARIES.items():
        if header.startswith(prefix) and room not in rooms:
            yield Finding(path, number, "library", f"{header} is included outside {', '.join(sorted(rooms))}",
                          "use what that room offers; a room more that knows the library is a decision (LIBRARIES)")


def links_are_the_arrows(tree):
    """A room links exactly rooms that it may include, and reaches every room that it does include."""
    rooms, links = _linked_rooms(tree)
    for target, room in rooms.items():
        cmake = f"{room}/CMakeLists.txt"
        for used, number in links[target]:
            if used in rooms and rooms[used] != room and rooms[used] not in _rooms_of(ROOMS[room]):
                yield Finding(cmake, number, "link", f"{room} may not link {rooms[used]}",
                              "take it out of USES, or add the arrow to ROOMS in tools/tidy_rules/arrows.py")
        reached = {rooms[name] for name in _closure(target, links) if name in rooms}
        for path in tree.cpp():
            if room_of(path) != room:
                continue
            for number, header in includes(tree, path):
                included = room_of(header)
                if included in rooms.values() and included not in reached:
                    yield Finding(path, number, "link", f"{header} is included but {room} does not link {included}",
                                  f"add its target to USES in {cmake}")


def _linked_rooms(tree):
    """({target: room}, {target: [(linked name, line)]}) of all CMakeLists.txt of rooms."""
    rooms, links = {}, {}
    for path in tree.matching("CMakeLists.txt"):
        room = posixpath.dirname(path)
        if room not in ROOMS:
            continue
        text = tree.text(path)
        for pattern in (_TARGET, _LINK):
            for match in pattern.finditer(text):
                target, arguments = match.groups()
                if pattern is _TARGET:
                    rooms[target] = room
                line = text.count("\n", 0, match.start()) + 1
                names = [name for name in arguments.split() if name not in ("USES", "PUBLIC", "PRIVATE")]
                links.setdefault(target, []).extend((name, line) for name in names)
    return rooms, links


def _closure(target, links):
    seen, waiting = set(), [target]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(used for used, _ in links.get(name, ()))
    return seen


RULES = [every_file_has_a_room, includes_follow_the_arrows, libraries_stay_in_their_rooms, links_are_the_arrows]
