# A storm of short processes; prints only what every run must print alike.
set -euo pipefail

for i in $(seq 1 120); do
    printf 'line %d\n' "$i" | tr 'a-z' 'A-Z' | sed 's/LINE/row/' | cut -d ' ' -f 2
done | sort -n | tail -n 3

subshells() {
    local total=0 i
    for i in $(seq 1 150); do
        total=$((total + $( (echo $((i * 3))) )))
    done
    echo "subshells $total"
}
subshells

children=()
for i in $(seq 1 60); do
    (
        text=$(printf 'x%.0s' $(seq 1 $((i * 10))))
        echo "${#text}" >"$WORK/child.$i"
        exit $((i % 7))
    ) &
    children+=($!)
done
statuses=0
for child in "${children[@]}"; do
    wait "$child" || statuses=$((statuses + $?))
done
echo "children $statuses $(cat "$WORK"/child.* | sort -n | sha256sum)"

declare -A table
for i in $(seq 1 5000); do table[key$((i % 1000))]+="$i,"; done
echo "table ${#table[@]} ${table[key7]}"
text=$(seq 1 20000)
echo "text ${#text} $(comm -12 <(seq 1 3 900 | sort) <(seq 1 7 900 | sort) | wc -l)"
coproc upper { while read -r line; do echo "${line^^}"; done; }
echo hello >&"${upper[1]}"
read -r answer <&"${upper[0]}"
echo "coproc $answer"
seq 1 300 | xargs -n 10 -P 4 bash -c 'echo $(($1 + $# * 1000))' - | sort -n | sha256sum
seq 1 20000 | awk '{ seen[$1 % 101] = seen[$1 % 101] $1 } END { for (k in seen) n += length(seen[k]); print "awk", n }'
