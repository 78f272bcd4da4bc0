#!/bin/sh
exec node "$(dirname "$(readlink -f "$0")")/../bin/hq.js" metrics "$@"
