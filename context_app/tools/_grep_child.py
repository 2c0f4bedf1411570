"""The other side of grep: a process that searches texts and may be killed at any time.

Started as a script of its own (never imported) by `workspace_search.py`, without site
packages or environment. It opens nothing: texts come in, lines that fit go out.

in:  one JSON line {"pattern", "ignore_case"}; then for every text its length in four
     bytes and its bytes
out: one JSON line {"error": "" or why}; then for every text one JSON line with a list of
     [line number, line]
"""

import json
import re
import resource
import struct
import sys

MAX_LINES = 200  # that fit, of one text
MAX_SHOWN = 400  # characters of a line
_MEMORY = 1024 * 1024 * 1024


def main() -> None:
    """Serve one search until the input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
    asked = json.loads(sys.stdin.buffer.readline())
    try:
        flags = re.IGNORECASE if asked["ignore_case"] else 0
        pattern = re.compile(asked["pattern"], flags)
    except (re.error, RecursionError, OverflowError, MemoryError) as exc:
        _say({"error": str(exc) or type(exc).__name__})
        return
    _say({"error": ""})
    while len(head := sys.stdin.buffer.read(4)) == 4:
        (size,) = struct.unpack(">I", head)
        _say(_found(pattern, sys.stdin.buffer.read(size).decode("utf-8", "replace")))


def _found(pattern: re.Pattern[str], text: str) -> list[tuple[int, str]]:
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        fit = pattern.search(line)
        if fit is not None:
            start = max(0, min(fit.start() - 100, len(line) - MAX_SHOWN))
            piece = line[start : start + MAX_SHOWN]
            before = "…" if start else ""
            after = "…" if start + MAX_SHOWN < len(line) else ""
            found.append((number, before + piece + after))
            if len(found) >= MAX_LINES:
                break
    return found


def _say(answer: object) -> None:
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
