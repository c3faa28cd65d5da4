"""What the numbers were taken on."""

import os
import platform
from pathlib import Path

BUSY_LOAD_MIN = 0.5  # processes that want to run, before a bench has started any


def cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def distribution() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        return ""


def memory_mib() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20


def huge_pages() -> str:
    """The setting of transparent huge pages, which decides much of what large heaps cost."""
    try:
        words = Path("/sys/kernel/mm/transparent_hugepage/enabled").read_text().split()
    except OSError:
        return "none"
    return next((word.strip("[]") for word in words if word.startswith("[")), "")


def description() -> dict:
    return {
        "cpu": cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mib": memory_mib(),
        "kernel": platform.release(),
        "distribution": distribution(),
        "transparent_hugepage": huge_pages(),
    }


def identity() -> str:
    """What must be the same for two samples to be compared."""
    return f"{cpu_model()}, {len(os.sched_getaffinity(0))} cores, Linux {platform.release()}"


def sentence(machine: dict) -> str:
    return (f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_mib'] / 1024:.1f} GiB, "
            f"Linux {machine['kernel']}, {machine['distribution']}, "
            f"transparent huge pages: {machine['transparent_hugepage']}")


def is_busy() -> bool:
    return os.getloadavg()[0] > BUSY_LOAD_MIN


def busy_sentence() -> str:
    return f"the machine is busy (load {os.getloadavg()[0]:.1f}): times will swing"
