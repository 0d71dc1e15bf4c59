#!/bin/sh
# Installs the system packages that are missing, when it may; else prints the one line to type.
# Usage: system-packages.sh [--host-only-ok | --tests]
#   --host-only-ok: go on without the Arm tools (make demo then runs its host half)
#   --tests:        with the second compiler and the browser that the tests use
set -eu
python=${PYTHON:-python3}

missing= arm_missing=
need() { # need COMMAND PACKAGE…
    command -v "$1" >/dev/null 2>&1 || { shift; missing="$missing $*"; }
}
need_arm() {
    command -v "$1" >/dev/null 2>&1 || { shift; arm_missing="$arm_missing $*"; }
}

need cc gcc libc6-dev
"$python" -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
[ -f "$("$python" -c 'import sysconfig; print(sysconfig.get_paths()["include"])')/Python.h" ] ||
    missing="$missing python3-dev"
"$python" -c 'import ctypes.util, sys; sys.exit(not ctypes.util.find_library("sndfile"))' ||
    missing="$missing libsndfile1"
if [ "${1:-}" = --tests ]; then
    need clang clang
    command -v google-chrome >/dev/null 2>&1 || need chromium chromium
fi
need_arm cmake cmake
need_arm ninja ninja-build
need_arm qemu-system-arm qemu-system-arm
need_arm gdb-multiarch gdb-multiarch
need_arm arm-none-eabi-gcc gcc-arm-none-eabi
[ -z "$arm_missing" ] && echo '#include <stdint.h>' | arm-none-eabi-gcc -fsyntax-only -xc - 2>/dev/null ||
    arm_missing="$arm_missing libnewlib-arm-none-eabi"

all=$(echo $missing $arm_missing)
[ -n "$all" ] || exit 0

line="apt-get install --yes --no-install-recommends $all"
if command -v apt-get >/dev/null 2>&1; then
    if [ "$(id -u)" = 0 ]; then sudo=
    elif sudo -n true 2>/dev/null; then sudo=sudo
    else sudo=none
    fi
    if [ "$sudo" != none ]; then
        echo "Installing: $all"
        export DEBIAN_FRONTEND=noninteractive
        if $sudo apt-get update -qq && $sudo $line -qq >/dev/null; then exit 0; fi
        echo "That failed." >&2
    fi
    line="sudo $line"
fi
if [ -z "$missing" ] && [ "${1:-}" = --host-only-ok ]; then
    echo "Without the Arm tools only the host half runs. They come with: $line" >&2
    exit 0
fi
echo "System packages are missing. Type: $line" >&2
exit 3
