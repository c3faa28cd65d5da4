#!/bin/sh
# What a day with git does: clone, log, blame, diff, merge, repack. git.sh REPOSITORY COMMITS, in an empty directory.
# Prints checksums, which are the same on every allocator.
set -eu
repository=$1
commits=$2

git clone --quiet --no-local "file://$repository" work
cd work
git log -p --stat -M --date=iso | cksum
git diff -M --patience "HEAD~$((commits - 1))" HEAD | cksum
for path in $(git ls-files | head -n "$((commits / 20 + 1))"); do git blame -w --date=iso -- "$path"; done | cksum
git checkout --quiet -b side "HEAD~$((commits / 2))"
git merge --quiet -m "side" origin/other >/dev/null
git ls-files -s | cksum
git repack -a -d -f -q
git grep -c "line 1[0-9]" HEAD | cksum
git rev-list --objects --all --date-order | cksum
git gc --quiet --prune=now
git fsck --no-dangling --no-progress
