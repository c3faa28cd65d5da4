#!/bin/sh
# Makes of Debian's libjemalloc_pic.a one object whose every global symbol starts with je_, so that a library can
# use it beside a malloc of its own: jemalloc_private.sh ARCHIVE OUTPUT
set -eu
archive=$1
output=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Its operators new and delete would need the C++ runtime.
cp "$archive" "$scratch/jemalloc.a"
ar d "$scratch/jemalloc.a" jemalloc_cpp.pic.o
ld -r --whole-archive "$scratch/jemalloc.a" -o "$scratch/whole.o"

# What it defines gets the prefix; libc keeps its names, but for some that page_source_jemalloc.cpp answers: fork order, options
# and their file are bursar's affair, and what a preloaded tracer wraps and allocates in must not be called from inside.
nm -g --defined-only "$scratch/whole.o" | awk 'NF == 3 && $3 !~ /^je_/ { print $3, "je_" $3 }' >"$scratch/names"
cat >>"$scratch/names" <<'NAMES'
pthread_atfork bursar_private_no_atfork
secure_getenv bursar_private_no_getenv
readlink bursar_private_no_readlink
mmap bursar_private_mmap
munmap bursar_private_munmap
madvise bursar_private_madvise
mprotect bursar_private_no_mprotect
sysconf bursar_private_sysconf
clock_gettime bursar_private_clock_gettime
sched_getaffinity bursar_private_no_sched_getaffinity
NAMES
objcopy --redefine-syms="$scratch/names" "$scratch/whole.o" "$scratch/private.o"

# Only its profiler calls these, and without options nobody can start it. As calls of abort they bring in neither
# libm nor libgcc_s. One pass each: objcopy does not give one name to two symbols at once.
for name in exp log round _Unwind_Backtrace _Unwind_GetIP; do
    objcopy --redefine-sym "$name=abort" "$scratch/private.o"
done
mv "$scratch/private.o" "$output"
