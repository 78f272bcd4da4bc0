#!/bin/sh
exec node "$(dirname "$(readlink -f "$0")")/../bin/hq.js" context "$1" ${2:+--messages "$2"}
