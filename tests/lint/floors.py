#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the sources against the rules that a compiler does not know.

The floors of src/ may include what is below them and nothing else (ALLOWED), and the files of a floor are a
stack, too: no circle of includes or calls; each header stands alone, and what it offers is used; each source
says what it is.  Every fault is printed as `file:line: words`; exit 1 if any.
"""

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Floor: what it may include besides itself. Store and compute are siblings and do not see each
# other, which is what keeps compute pure; bird knows nothing of resources.
# Both programs stand on local (what the machine's files and environment say); the agent's engine is peerd's alone.
LOCAL = {"base", "selector", "model", "store", "compute"}
ALLOWED = {
    "base": set(),
    "selector": {"base"},
    "model": {"base", "selector"},
    "store": {"base", "selector", "model"},
    "compute": {"base", "selector", "model"},
    "render": {"base", "selector", "model", "compute"},
    "bird": {"base"},
    "local": LOCAL,
    "engine": LOCAL | {"render", "bird", "local"},
    "peerd": LOCAL | {"render", "bird", "local", "engine"},
    "peerctl": LOCAL | {"render", "bird", "local"},
}

MAX_LINES = 800
SPDX = "SPDX-License-Identifier: Apache-2.0"
SOURCES = {".c", ".h"}
WITH_SPDX = SOURCES | {".py", ".sh"}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+([<"])([^>"]+)[>"]', re.M)
NO_FUNCTIONS = {"if", "for", "while", "switch", "return", "sizeof"}
# Of code without comments: a function that other files may call, one that they may not, and what is called.
DEFINED = re.compile(r"^(?!static\b)[a-z][^;{}=#()]*?\b(\w+)\([^;{}]*\)\s*\{", re.M)
PRIVATE = re.compile(r"^static\b[^;{}=#()]*?\b(\w+)\(", re.M)
CALLED = re.compile(r"\b([a-z]\w*)\s*\(")
TOKEN = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)
# A function or a variable that a header declares: at the beginning of a line, not static, up to its name.
OFFERED = re.compile(r"^(?!static|typedef|struct \w+ *[{;]|enum \w+ *[{;])[a-z]\w*[\w \t*]*?[ *](\w+)(?:\(|\[|;)", re.M)
FOR_TESTS = re.compile(r"\btests?\b", re.I)
SYSTEM_FLAGS = ("-std=gnu17", "-D_GNU_SOURCE", '-DPEERAGE_VERSION="lint"', "-Wall", "-Wextra", "-Werror")


def line_of(text, offset):
    """The 1-based line of a place in a text."""
    return text.count("\n", 0, offset) + 1


def blank(match):
    """As many line breaks as the match has, so that line numbers stay."""
    return " " + "\n" * match.group().count("\n")


def without_comments(text):
    """The text without comments; what stands in quotes is kept."""
    return TOKEN.sub(lambda m: blank(m) if m.group()[0] == "/" else m.group(), text)


def code_of(text):
    """The text without comments and without what stands in quotes."""
    return TOKEN.sub(blank, text)


def sources_below(folder, suffixes):
    """All files with one of the suffixes, in order; data folders of tests are not sources."""
    return sorted(
        path
        for path in (ROOT / folder).rglob("*")
        if path.suffix in suffixes and path.is_file() and "corpus" not in path.parts and "data" not in path.parts
    )


def check_text(path, text):
    """What holds for every source file."""
    if SPDX not in "\n".join(text.splitlines()[:2]):
        yield 1, f"no SPDX line; the first line says {SPDX}"
    lines = text.count("\n")
    if lines > MAX_LINES:
        yield MAX_LINES + 1, f"{lines} lines; a file has at most {MAX_LINES}"
    if path != Path(__file__).resolve():
        for match in UNFINISHED.finditer(text):
            yield line_of(text, match.start()), f"{match.group()} in a finished file; do it or say it in an issue"
    if path.suffix in SOURCES:
        code = code_of(text)
        for match in re.finditer(r"\bgoto\b", code):
            yield line_of(code, match.start()), "goto; cleanup attributes and small functions do without"


def check_header(path, text):
    """A header opens with what it is: a comment after the SPDX line, before anything else."""
    rest = text.split("\n", 1)[1] if "\n" in text else ""
    if not rest.lstrip().startswith("/*"):
        yield 2, "no opening comment; a header says first what it is for"
    if "#pragma once" not in text:
        yield 1, "no #pragma once"


def check_includes(path, text):
    """Arrows point down, and a source includes its own header first."""
    relative = path.relative_to(ROOT / "src")
    floor = relative.parts[0]
    plain = without_comments(text)
    includes = [(line_of(plain, m.start(1)), m.group(1), m.group(2)) for m in INCLUDE.finditer(plain)]
    if floor not in ALLOWED:
        yield 1, f"src/{floor} is no floor; tests/lint/floors.py lists them"
        return
    for line, kind, name in includes:
        target = name.split("/")[0]
        if kind == '"' and not (ROOT / "src" / name).is_file():
            yield line, f'"{name}" is not in src/; paths begin at src/, the system\'s headers stand in <>'
        elif kind == "<" and (ROOT / "src" / name).is_file():
            yield line, f'<{name}> is our own; write "{name}"'
        elif kind == '"' and target != floor and target not in ALLOWED[floor]:
            may = ", ".join(sorted(ALLOWED[floor])) or "nothing"
            yield line, f"{floor} includes {target}; below it are: {may}"
    own = relative.with_suffix(".h").as_posix()
    if path.suffix == ".c" and path.with_suffix(".h").is_file():
        if not includes or includes[0][2] != own:
            yield includes[0][0] if includes else 1, f'a source includes its own header first: "{own}"'


def call_arrows(codes):
    """From file to file of one floor (without suffix): the line and the function that is called there."""
    homes = {}
    for path, code in codes.items():
        if path.suffix == ".c":
            homes.update((name, path.with_suffix("")) for name in DEFINED.findall(code))
    arrows = {}
    for path, code in codes.items():
        own = set(PRIVATE.findall(code)) | NO_FUNCTIONS
        for match in CALLED.finditer(code) if path.suffix == ".c" else ():
            home = homes.get(match.group(1))
            if home and home != path.with_suffix("") and match.group(1) not in own:
                place = (line_of(code, match.start()), f"calls {match.group(1)}() of {home.name}.c")
                arrows.setdefault(path.with_suffix(""), {}).setdefault(home, place)
    return arrows


def include_arrows(texts):
    """From header to header of one floor: the line of the include."""
    arrows = {}
    for path, text in texts.items():
        for match in INCLUDE.finditer(text) if path.suffix == ".h" else ():
            target = ROOT / "src" / match.group(2)
            if target in texts and target != path:
                place = (line_of(text, match.start(1)), f"includes {target.name}")
                arrows.setdefault(path, {}).setdefault(target, place)
    return arrows


def reachable(arrows, start):
    """All that can be reached from START, START itself only over a circle."""
    found, todo = set(), list(arrows.get(start, ()))
    while todo:
        at = todo.pop()
        if at not in found:
            found.add(at)
            todo.extend(arrows.get(at, ()))
    return found


def check_circles(arrows):
    """Each arrow that is part of a circle. What a table points at (the functions of a kind or a driver) is none:
    a table is how a floor calls upwards."""
    for start, targets in arrows.items():
        for target, (line, words) in targets.items():
            if start in reachable(arrows, target):
                yield start, line, f"{words}, and that leads back here: a floor is a stack of files"


def comment_before(text, offset):
    """The comment that ends just before a place in a text; "" when something else stands there."""
    before = text[:offset].rstrip()
    return before[before.rfind("/*"):] if before.endswith("*/") else ""


def check_used(headers):
    """What a header offers somebody outside its own files uses, or its comment says that it is for tests."""
    sources = {path: code_of(path.read_text(encoding="utf-8")) for path in sources_below("src", SOURCES)}
    users = {}
    for path, code in sources.items():
        for word in set(re.findall(r"\w+", code)):
            users.setdefault(word, set()).add(path.with_suffix(""))
    for path in headers:
        text = path.read_text(encoding="utf-8")
        if FOR_TESTS.search(text[: text.find("#pragma once")]):
            continue
        for match in OFFERED.finditer(TOKEN.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)):
            own = len(re.findall(rf"\b{match[1]}\b", sources[path])) > 1  # in a macro or an inline function
            if not own and users.get(match[1], set()) <= {path.with_suffix("")}:
                if not FOR_TESTS.search(comment_before(text, match.start())):
                    yield path, line_of(text, match.start()), (
                        f"{match[1]} is used by nobody outside of {path.stem}.c; make it static, remove it, "
                        "or let its comment say that it is for tests")


def compile_header(path, compiler, flags):
    """A header compiles alone; what the compiler says is passed on."""
    unit = f'#include "{path.relative_to(ROOT / "src").as_posix()}"\n'
    command = [*compiler, *SYSTEM_FLAGS, *flags, f"-I{ROOT / 'src'}", "-fsyntax-only", "-xc", "-"]
    done = subprocess.run(command, input=unit, capture_output=True, text=True, check=False)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "error:" in line]
        yield 1, "does not compile alone: " + (errors or done.stderr.splitlines() or ["no words"])[0]


def package_flags():
    """Where the libraries have their headers, if not where the compiler looks anyway."""
    if not shutil.which("pkg-config"):
        return []
    flags = []
    for package in ("yaml-0.1", "sqlite3", "libmd", "libnghttp2", "openssl"):
        done = subprocess.run(["pkg-config", "--cflags", package], capture_output=True, text=True, check=False)
        flags += done.stdout.split()
    return flags


def main():
    """Checks everything; 1 when there are faults."""
    faults = []

    def note(path, found):
        faults.extend((path.relative_to(ROOT).as_posix(), line, words) for line, words in found)

    for folder in ("src", "tests"):
        for path in sources_below(folder, WITH_SPDX):
            text = path.read_text(encoding="utf-8")
            note(path, check_text(path, text))
            if path.suffix == ".h":
                note(path, check_header(path, text))
            if folder == "src" and path.suffix in SOURCES:
                note(path, check_includes(path, text))
    for floor in ALLOWED:
        texts = {path: path.read_text(encoding="utf-8") for path in sources_below(f"src/{floor}", SOURCES)}
        calls = call_arrows({path: code_of(text) for path, text in texts.items()})
        for path, line, words in check_circles(calls):
            note(path.with_suffix(".c"), [(line, words)])
        for path, line, words in check_circles(include_arrows({p: without_comments(t) for p, t in texts.items()})):
            note(path, [(line, words)])
    headers = sources_below("src", {".h"})
    for path, line, words in check_used(headers):
        note(path, [(line, words)])
    compiler = os.environ.get("CC", "gcc").split()
    flags = package_flags()
    with ThreadPoolExecutor(2) as pool:
        results = pool.map(lambda path: list(compile_header(path, compiler, flags)), headers)
    for path, found in zip(headers, results):
        note(path, found)
    for name, line, words in sorted(faults):
        print(f"{name}:{line}: {words}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
