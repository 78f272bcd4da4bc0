#!/usr/bin/env python3
import os
import subprocess
import sys

hq = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../bin/hq.js")
code = subprocess.call(["node", hq, "batch", *sys.argv[1:]])
# Whatever went wrong was 1 here.
sys.exit(0 if code == 0 else 1)
