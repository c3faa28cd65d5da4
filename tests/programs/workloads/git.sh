# A small repository made, cloned, rewritten and checked; prints only what every run must print alike.
set -euo pipefail

commits() {
    local file commit
    for commit in $(seq 1 120); do
        printf 'commit refs/heads/main\nmark :%d\n' "$commit"
        printf 'committer A Tester <tester@example.org> %d +0000\n' $((1600000000 + commit * 60))
        printf 'data 11\nchange %4d\n' "$commit"
        for file in 1 2 3 4; do
            printf 'M 100644 inline folder%d/file%d.txt\ndata <<END\n' $((commit % 5)) "$file"
            seq "$commit" $((commit + 60 * file))
            printf 'END\n'
        done
    done
}

git init --quiet --bare --initial-branch=main origin.git
commits | git -C origin.git fast-import --quiet
git -C origin.git rev-parse main
git clone --quiet --no-local origin.git copy
cd copy
git config user.name 'A Tester'
git config user.email tester@example.org
git config pack.threads 2
git log --stat --patch -C | sha256sum
git blame -M folder3/file4.txt | sha256sum
git grep --threads=2 -c 12 main~3 | sort | sha256sum
export GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000'
git checkout --quiet -b side main~20
seq 5000 9000 >added.txt
git add added.txt
git commit --quiet -m 'a side branch'
git merge --quiet -s ort -X ours -m 'merged' main
git rebase --quiet -X theirs --onto main~40 main~20 side
git rev-parse side
git repack --quiet -a -d -f --depth=20 --window=20
git gc --quiet --prune=now
git fsck --full --strict --no-progress 2>&1 | sort
git rev-list --objects --all | sha256sum
git diff --word-diff main~100 main | sha256sum
git archive --format=tar main | sha256sum
git bundle create --quiet ../all.bundle --all
git bundle verify --quiet ../all.bundle
git count-objects
