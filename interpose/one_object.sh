#!/bin/sh
# Makes libbursar.a of one object in which only the exported symbols are global:
# one_object.sh EXPORTS OUTPUT ARCHIVE... -- COMPILER...
# AR and OBJCOPY name those of another machine.
set -eu
exports=$1
output=$2
shift 2
archives=
while [ "$1" != -- ]; do
    archives="$archives $1"
    shift
done
shift
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# GCC finishes link-time optimization here, so that the user's linker needs no plugin.
case $("$@" --version) in
    *clang*) finish= ;;
    *) finish='-O2 -flto -flinker-output=nolto-rel -fno-gnu-unique' ;;
esac
# shellcheck disable=SC2086
"$@" -r -nostdlib $finish -Wl,--force-group-allocation -Wl,--whole-archive $archives -o "$scratch/bursar.o"

# What a shared library would export stays global: default visibility, and named in the list.
sed -n '/global:/,/local:/p' "$exports" | sed 's/#.*//; s/global:\|local:.*//' | tr -s ' ;\t' '\n' | sed '/^$/d; s/\*/.*/; s/.*/^&$/' >"$scratch/patterns"
readelf -sW "$scratch/bursar.o" | awk '$5 != "LOCAL" && $6 == "DEFAULT" && $7 != "UND" { print $8 }' |
    grep -f "$scratch/patterns" >"$scratch/global"
"${OBJCOPY:-objcopy}" --keep-global-symbols="$scratch/global" "$scratch/bursar.o"
rm -f "$output"
"${AR:-ar}" rcs "$output" "$scratch/bursar.o"
