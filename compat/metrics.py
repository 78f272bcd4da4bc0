#!/usr/bin/env python3
import os
import sys

os.execvp("node", ["node", os.path.join(os.path.dirname(os.path.realpath(__file__)), "../bin/hq.js"), "metrics", *sys.argv[1:]])
