"""The original approach: one process per delegation. POST to the hook, wait for the handoff file by inotify, check it, print it.

usage: orchestrate.py URL TOKEN HANDOFF_DIR RUN_ID AGENT TIMEOUT_SECONDS
Standard library only.
"""

import ctypes
import json
import os
import select
import struct
import sys
import time
import urllib.request

IN_CLOSE_WRITE, IN_MOVED_TO = 0x8, 0x80


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (FileNotFoundError, json.JSONDecodeError):
        return None


def wait(fd, path, deadline):
    while True:
        found = read(path)
        if found is not None:
            return found
        left = deadline - time.monotonic()
        if left <= 0:
            return None
        if select.select([fd], [], [], left)[0]:
            os.read(fd, 65536)


def main():
    url, token, folder, run, agent, seconds = sys.argv[1:7]
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.inotify_init1(os.O_NONBLOCK)
    if fd < 0 or libc.inotify_add_watch(fd, folder.encode(), IN_CLOSE_WRITE | IN_MOVED_TO) < 0:
        raise OSError(ctypes.get_errno(), "inotify")
    path = os.path.join(folder, run + ".json")
    message = f"Run {run} attempt 1. Write the handoff to {path}"
    body = json.dumps({"message": message, "deliver": False, "timeoutSeconds": int(seconds)}).encode()
    request = urllib.request.Request(url + "/hooks/agent", body, {"content-type": "application/json", "authorization": "Bearer " + token})
    with urllib.request.urlopen(request, timeout=30) as answer:
        answer.read()
    handoff = wait(fd, path, time.monotonic() + float(seconds))
    if handoff is None or handoff.get("runId") != run or handoff.get("agent") != agent:
        print(json.dumps({"status": "error"}), file=sys.stderr)
        return 1
    print(json.dumps(handoff))
    return 0


if __name__ == "__main__":
    assert struct.calcsize("i") == 4
    sys.exit(main())
