# Archives made, packed, unpacked and compared; prints only what every run must print alike.
set -euo pipefail

mkdir tree
for i in $(seq 1 40); do seq "$i" $((i * 2500)) >"tree/file$i"; done
archive=(tar --create --sort=name --mtime=@1600000000 --owner=0 --group=0 --numeric-owner --mode=0644 tree)

"${archive[@]}" | xz -T2 --block-size=1MiB -4 >tree.tar.xz
sha256sum tree.tar.xz
xz --list --robot tree.tar.xz | cut -f 1-7
xz -T2 -dc tree.tar.xz | tar --list --verbose | sha256sum
"${archive[@]}" --gzip --file=tree.tar.gz
tar --to-stdout --extract --gzip --file=tree.tar.gz | sort --parallel=2 --buffer-size=4M -n | uniq -c | sha256sum
mkdir out
tar --extract --directory=out --file=tree.tar.xz
chmod -R u+rwX tree out
diff --recursive tree out/tree && echo same
