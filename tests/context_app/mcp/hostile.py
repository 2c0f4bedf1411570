"""A server over stdio that misbehaves: `python hostile.py BEHAVIOUR`. No package needed.

It begins properly, so that what goes wrong goes wrong where a test wants it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time

TOOL = {"name": "look", "description": "Looks.", "inputSchema": {"type": "object"}}
HELLO = {
    "protocolVersion": "2025-11-25",
    "capabilities": {"tools": {"listChanged": True}},
    "serverInfo": {"name": "hostile", "version": "0"},
}


def say(value):
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def answer(number, result):
    say({"jsonrpc": "2.0", "id": number, "result": result})


def text(words):
    return {"content": [{"type": "text", "text": words}]}


def words_of_file():
    with open(os.environ["WORDS"]) as file:
        return file.read()


def called(behaviour, message, counts):
    """What it does when its tool is called."""
    number = message["id"]
    if behaviour == "wrong ids":
        for other in (number + 1, str(number), None, -1, True, 1.5, [number], 10**30):
            say({"jsonrpc": "2.0", "id": other, "result": text("for somebody else")})
        say({"jsonrpc": "1.0", "id": number, "result": text("an older JSON-RPC")})
        say([{"jsonrpc": "2.0", "id": number, "result": text("in an array")}])
        answer(number, text("the right one"))
        answer(number, text("and once more"))
    elif behaviour == "silent":
        return
    elif behaviour == "no result":
        answer(number, {"something": "else"})
    elif behaviour == "oversized":
        sys.stdout.write("x" * 9_000_000)
        sys.stdout.flush()
        time.sleep(60)
    elif behaviour == "long":
        answer(number, text("long " * 100_000))
    elif behaviour == "flood":
        while True:
            say({"jsonrpc": "2.0", "method": "notifications/message", "params": {}})
    elif behaviour == "asks":
        for ours, method in enumerate(("ping", "sampling/createMessage", "roots/list")):
            say({"jsonrpc": "2.0", "id": f"q{ours}", "method": method})
        replies = [json.loads(sys.stdin.readline()) for _ in range(3)]
        answer(number, text(json.dumps(replies)))
    elif behaviour == "garbage":
        sys.stdout.write("Listening on port 80\n\n{not json\n\xff\n[[[[\n")
        answer(number, text("among garbage"))
    elif behaviour == "changes":
        counts["version"] += 1
        say({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
        answer(number, text("changed"))
    elif behaviour == "dies":
        os._exit(7)
    elif behaviour == "as the file says":
        with open(os.environ["NOTES"], "a") as file:
            file.write(f"called as {words_of_file()}\n")
        answer(number, text("done"))
    else:
        answer(number, text("fine"))


def listed(behaviour, message, counts):
    """What it lists."""
    cursor = (message.get("params") or {}).get("cursor")
    if behaviour == "pages":
        page = int(cursor or 0)
        more = {"nextCursor": str(page + 1)} if page < 3 else {}
        return {"tools": [{**TOOL, "name": f"look{page}"}], **more}
    if behaviour == "endless pages":
        counts["pages"] += 1
        return {"tools": [], "nextCursor": str(counts["pages"])}
    if behaviour == "same page":
        return {"tools": [], "nextCursor": "again"}
    if behaviour == "many tools":
        return {"tools": [{**TOOL, "name": f"look{n}"} for n in range(300)]}
    if behaviour == "strange list":
        odd = [None, 1, {}, {"name": ""}, {"name": 5}, TOOL, TOOL]
        return {"tools": [*odd, {**TOOL, "name": "big", "title": "x" * 100_000}]}
    if behaviour == "as the file says":
        return {"tools": [{**TOOL, "description": words_of_file()}]}
    return {"tools": [{**TOOL, "description": f"Looks {counts['version']}."}]}


def main(behaviour):
    counts = {"pages": 0, "version": 1}
    if behaviour == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if behaviour == "deaf":
        time.sleep(600)
    if behaviour == "stillborn":
        sys.stderr.write(f"no such database {os.environ.get('TOKEN')}\n")
        sys.exit(1)
    for line in sys.stdin:
        message = json.loads(line)
        method, number = message["method"], message.get("id")
        if method == "initialize":
            version = "1999-01-01" if behaviour == "old" else HELLO["protocolVersion"]
            answer(number, {**HELLO, "protocolVersion": version})
            if behaviour == "short-lived":
                sys.exit(0)
        elif method == "tools/list":
            answer(number, listed(behaviour, message, counts))
        elif method == "tools/call":
            called(behaviour, message, counts)
        elif method == "ping":
            answer(number, {})
    if behaviour == "stubborn":
        time.sleep(600)  # its input has ended, and it does not care


if __name__ == "__main__":
    main(sys.argv[1])
