#!/usr/bin/env bash
# Names the Go files that gofmt would change.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
unformatted=$(find . \( -name node_modules -o -name .git -o -path ./static/dist -o -path ./bin \) -prune -o -name '*.go' -print0 |
    xargs -0 --no-run-if-empty gofmt -l)
if [[ -n $unformatted ]]; then
    printf 'not formatted:\n%s\nformat them with: gofmt -w .\n' "$unformatted" >&2
    exit 1
fi
