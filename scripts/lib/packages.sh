# What building, testing and the examples need of Debian 12 or 13, Ubuntu 24.04, or a relative of theirs. Sourced by other
# scripts.
# shellcheck shell=bash

debian_packages=(
    # mio's own libraries.
    libopenmpi-dev openmpi-bin libopenblas-dev libdnnl-dev zlib1g-dev libhdf5-dev libzip-dev
    libcurl4-openssl-dev libssl-dev
    # The garments example: its images, its picture, and the picture's letters.
    dataset-fashion-mnist libcairo2-dev fonts-dejavu-core
    # What Swift needs to compile and link (C++ headers, binutils), and to run itself.
    g++ pkg-config libcurl4 libncurses6 libsqlite3-dev libxml2 tzdata
    # What the package manager fetches other packages with.
    git ca-certificates
)

# A Slurm for tests, which start its programs themselves (scripts/lib/slurm-cluster).
# shellcheck disable=SC2034 # of other scripts
slurm_packages=(slurmctld slurmd slurm-client munge)
# What faults are made with: networks that can be cut, folders whose operations fail, clocks that jump.
# shellcheck disable=SC2034 # of other scripts
fault_packages=(iproute2 python3-fusepy libfaketime)

say() { echo "$(basename "$0"): $*"; }

die() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

# Installs what is missing of debian_packages and of the packages named. Does nothing where all is there.
install_packages() {
    local package present advice='' missing=() as_root=()
    if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
        say "this is no Debian; going on as if the like of these were installed: ${debian_packages[*]} $*"
        return
    fi
    # By their names, and those they go by as well: Debian 13 and Ubuntu 24.04 have libcurl4 as libcurl4t64.
    present=$(dpkg-query --show --showformat='${db:Status-Status} ${Package}, ${Provides}\n' |
        sed -n 's/^installed //p' | tr ',' '\n' | sed -E 's/^ +//; s/ .*//')
    for package in "${debian_packages[@]}" "$@"; do
        grep -qxF "$package" <<<"$present" || missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    if ((EUID != 0)); then
        command -v sudo >/dev/null ||
            die "needs packages. As root: apt-get install ${missing[*]}"
        as_root=(sudo)
    fi
    ! grep -qsE '^ID(_LIKE)?=.*ubuntu' /etc/os-release ||
        advice=". If it cannot locate a package, enable Ubuntu's universe: add-apt-repository universe"
    say "installing ${missing[*]}"
    "${as_root[@]}" apt-get update -qq || die "apt-get update failed: see above"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        -o Dpkg::Use-Pty=0 "${missing[@]}" >/dev/null || die "apt-get install failed: see above$advice"
}

# Ends the script unless Swift 6.2 or later can be called. Call it after install_packages: Swift itself needs some.
require_swift() {
    local version major minor
    command -v swift >/dev/null ||
        die "swift is not in PATH. Install Swift 6.2 or later (https://www.swift.org/install/linux/), then run this again"
    version=$(swift --version 2>&1 | sed -nE 's/.*Swift version ([0-9]+)\.([0-9]+).*/\1 \2/p' | head -n 1)
    [[ -n $version ]] || die "swift --version says: $(swift --version 2>&1 | head -n 3)"
    read -r major minor <<<"$version"
    ((major > 6 || major == 6 && minor >= 2)) ||
        die "$(command -v swift) is Swift $major.$minor; 6.2 or later is needed (https://www.swift.org/install/linux/)"
}
