#!/usr/bin/env bash
# Runs every fuzz test, one after the other, for the given time each. Go fuzzes one target of one package at a time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
time=${1:-60s}
found=0
while IFS=: read -r file target; do
    found=$((found + 1))
    echo "== $(dirname "$file") $target"
    go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "./$(dirname "$file")"
done < <(find cmd flows store connectors server internal -name '*_test.go' -exec grep -HoE '^func Fuzz[A-Za-z0-9_]*' {} + 2>/dev/null |
    sed 's/:func /:/' | sort)
if ((found == 0)); then
    echo "no fuzz test was found" >&2
    exit 1
fi
