#!/usr/bin/env python3
"""Asks the questions of bench/micro of bursar and of the other allocators on this machine.

run.py BUILD [--runs N] [NAME...]
The allocators take turns, so that what the machine does meanwhile meets all of them. Each number stands beside
glibc's. Others are measured when their Debian packages are installed (libjemalloc2, libmimalloc2.0,
libtcmalloc-minimal4).
"""

import argparse
import os
import pathlib
import platform
import statistics
import subprocess

PEERS = {"jemalloc": "libjemalloc.so.2", "mimalloc": "libmimalloc.so.2", "tcmalloc": "libtcmalloc_minimal.so.4"}
RUN_SECONDS_MAX = 120


def libraries(build):
    found = {"glibc": "", "bursar": str(build / "libbursar.so"), "bursar-jemalloc": str(build / "libbursar-jemalloc.so")}
    for name, file in PEERS.items():
        for directory in pathlib.Path("/usr/lib").glob("*-linux-gnu"):
            if (directory / file).exists():
                found[name] = str(directory / file)
    return found


def question(name):
    source = pathlib.Path(__file__).with_name(f"{name}.c")
    return source.read_text().splitlines()[0].removeprefix("// ")


def run_once(build, name, library):
    """Seconds and resident KiB of one run."""
    command = [build / "bench/micro/measure", build / "bench/micro" / name] + ([library] if library else [])
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=RUN_SECONDS_MAX)
    if done.returncode != 0:
        raise SystemExit(f"{name} with {library or 'glibc'} did not end well")
    seconds, kibibytes = done.stdout.split()
    return float(seconds), int(kibibytes)


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "")
    return f"{model or platform.machine()}, {os.cpu_count()} CPUs, Linux {platform.release()}"


def table(name, results):
    base = statistics.median(seconds for seconds, _ in results["glibc"])
    print(f"\n{name}: {question(name)}")
    print(f"  {'':16} {'ms: min':>9} {'median':>9} {'max':>9} {'to glibc':>9}   {'MiB: min':>9} {'median':>9} {'max':>9}")
    for allocator, runs in results.items():
        seconds = sorted(run[0] for run in runs)
        mebibytes = sorted(run[1] / 1024 for run in runs)
        median = statistics.median(seconds)
        print(f"  {allocator:16} {seconds[0] * 1e3:9.1f} {median * 1e3:9.1f} {seconds[-1] * 1e3:9.1f} {median / base:9.2f}"
              f"   {mebibytes[0]:9.1f} {statistics.median(mebibytes):9.1f} {mebibytes[-1]:9.1f}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_intermixed_args()
    known = sorted(path.stem for path in pathlib.Path(__file__).parent.glob("*.c") if path.stem != "measure")
    for name in arguments.names:
        if name not in known:
            parser.error(f"no bench {name}; there are: {', '.join(known)}")
    print(f"{machine()}; {arguments.runs} runs each, interleaved; gcc -O2")
    found = libraries(arguments.build)
    for name in arguments.names or known:
        results = {allocator: [] for allocator in found}
        for _ in range(arguments.runs):
            for allocator, library in found.items():
                results[allocator].append(run_once(arguments.build, name, library))
        table(name, results)


if __name__ == "__main__":
    main()
