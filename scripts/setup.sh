#!/usr/bin/env bash
# Checks what building and testing needs. What is missing is named with the command that installs it; root, or anybody
# where CI=true, gets it installed. Knows Debian and Ubuntu. `setup.sh build` checks only what building needs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

purpose=${1:-test}
needed_go=$(awk '$1 == "go" { print $2 }' go.mod)
packages=()
failed=0

have() { command -v "$1" >/dev/null 2>&1; }

missing() { # what, command
    printf 'missing: %s\n  install it with: %s\n' "$1" "$2" >&2
    failed=1
}

# Debian keeps the server's programs out of PATH.
have_postgres() {
    local initdb
    for initdb in /usr/lib/postgresql/*/bin/initdb; do
        [[ -x $initdb && -x ${initdb%initdb}postgres ]] && return 0
    done
    have initdb && have postgres
}

have_pgbouncer() { [[ -x /usr/sbin/pgbouncer ]] || have pgbouncer; }

have_mariadb() { [[ -x /usr/sbin/mariadbd ]] || have mariadbd; }

# A compiler without the C library's headers is installed easily and builds nothing.
have_gcc() { have gcc && echo '#include <stdlib.h>' | gcc -fsyntax-only -x c - 2>/dev/null; }
have_gxx() { have g++ && echo '#include <vector>' | g++ -fsyntax-only -x c++ - 2>/dev/null; }

need_all() {
    packages=()
    have_gcc || packages+=(gcc libc6-dev)
    have_gxx || packages+=(g++)
    if [[ $purpose == test ]]; then
        have_postgres || packages+=(postgresql)
        have_pgbouncer || packages+=(pgbouncer)
        have_mariadb || packages+=(mariadb-server)
        have chromium || packages+=(chromium)
    fi
}

check_go() {
    local arch url
    arch=$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')
    url="https://go.dev/dl/go$needed_go.linux-$arch.tar.gz"
    if ! have go; then
        missing "Go $needed_go" "curl -fsSL $url | sudo tar -C /usr/local -xz && export PATH=\$PATH:/usr/local/go/bin"
        return
    fi
    # From Go 1.21 on an older one fetches the version that go.mod asks for, unless GOTOOLCHAIN forbids it.
    local version
    version=$(go env GOVERSION 2>/dev/null | sed 's/^go//; s/[^0-9.].*//') || version=
    if [[ -z $version || $(printf '%s\n' "$needed_go" "$version" | sort -V | head -n 1) != "$needed_go" ]]; then
        missing "Go $needed_go (this is ${version:-too old})" "curl -fsSL $url | sudo tar -C /usr/local -xz"
    fi
}

as_root() {
    if ((EUID == 0)); then "$@"; else sudo -n "$@"; fi
}

apt() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 "$@"
}

install() {
    local log attempt
    log=$(mktemp)
    for attempt in 1 2; do
        if { apt update && apt install -y --no-install-recommends "${packages[@]}"; } >"$log" 2>&1; then
            rm -f "$log"
            return
        fi
        if ((attempt == 1)); then
            echo "installing ${packages[*]} failed, trying once more" >&2
            sleep 5 # a mirror or another apt needs a moment
        fi
    done
    cat "$log" >&2
    rm -f "$log"
    missing "${packages[*]}" "sudo apt-get update && sudo apt-get install -y ${packages[*]}"
    exit 1
}

check_go
need_all

if ((${#packages[@]})); then
    if have apt-get && { ((EUID == 0)) || [[ ${CI:-} == true ]]; }; then
        echo "installing ${packages[*]}"
        install
        need_all
    fi
    for package in "${packages[@]}"; do
        missing "$package" "sudo apt-get update && sudo apt-get install -y $package"
    done
fi

# Only the editor needs Node. go build works without it.
node_version=$(node --version 2>/dev/null | sed 's/^v//; s/\..*//') || node_version=
if [[ ! $node_version =~ ^[0-9]+$ ]] || ((node_version < 20)) || ! have npm; then
    missing "Node 20 with npm" "curl -fsSL https://nodejs.org/dist/v20.19.5/node-v20.19.5-linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/').tar.gz | sudo tar -xz --strip-components=1 -C /usr/local"
fi

exit "$failed"
