#!/bin/sh
# Compiles the libraries and their tests for arm64: build.sh SOURCES BUILD GOOGLETEST STAMP
# Silent when all goes well. The compiler of the surrounding build is none of this one's.
set -eu
sources=$1
build=$2
googletest=$3
stamp=$4
unset CC CXX CFLAGS CXXFLAGS LDFLAGS AR NM OBJCOPY
log=$build.log
quietly() {
    "$@" >"$log" 2>&1 </dev/null || {
        cat "$log" >&2
        exit 1
    }
}
if [ ! -f "$build/build.ninja" ]; then
    rm -rf "$build"
    quietly meson setup --cross-file "$sources/tests/arm64/arm64.ini" -Dlibraries_only=true -Dtests=true -Dlto=false \
        -Dgoogletest="$googletest" "$build" "$sources"
fi
quietly ninja -C "$build"
touch "$stamp"
