"""The floor where there is no C compiler: one inotify watch through ctypes. Same protocol as floor.c."""

import ctypes
import os
import select
import struct
import sys
import time

IN_CLOSE_WRITE, IN_MOVED_TO = 0x8, 0x80
libc = ctypes.CDLL(None, use_errno=True)
notify = libc.inotify_init()
if libc.inotify_add_watch(notify, sys.argv[1].encode(), IN_CLOSE_WRITE | IN_MOVED_TO) < 0:
    sys.exit(1)
print("ready", flush=True)
seen = []
while True:
    ready, _, _ = select.select([notify, 0], [], [])
    if notify not in ready:
        break
    block = os.read(notify, 65536)
    now = time.monotonic_ns()
    at = 0
    while at < len(block):
        length = struct.unpack_from("iIII", block, at)[3]
        name = block[at + 16 : at + 16 + length].rstrip(b"\0").decode()
        if name and not name.startswith("."):
            if len(sys.argv) > 2:
                with open(os.path.join(sys.argv[1], name), "rb") as file:
                    file.read()
                now = time.monotonic_ns()
            seen.append((name, now))
        at += 16 + length
for name, now in seen:
    print(name, now)
