"""Which cases are measured."""

import importlib
import importlib.util
import re
import subprocess

from case import Case
from errors import BadInput

GROUPS = ("workloads", "programs")  # also the modules that list them, in the order they are measured


def all_cases() -> list[Case]:
    modules = [importlib.import_module(group) for group in GROUPS if importlib.util.find_spec(group)]
    cases = [case for module in modules for case in module.CASES]
    names = [case.name for case in cases]
    assert len(set(names)) == len(names), "two cases have the same name"
    return cases


def selected(cases: list[Case], group: str | None, filters: list[str]) -> list[Case]:
    """Those of the group whose name any of the filters matches; without a filter all."""
    patterns = [compiled(text) for text in filters]
    of_group = [case for case in cases if group in (None, case.group)]
    for pattern in patterns:
        if not any(pattern.search(case.name) for case in of_group):
            raise BadInput(f"no case matches {pattern.pattern!r}; --list names them")
    return [case for case in of_group if not patterns or any(pattern.search(case.name) for pattern in patterns)]


def compiled(text: str) -> re.Pattern:
    try:
        return re.compile(text)
    except re.error as fault:
        raise BadInput(f"--filter {text!r} is no regular expression: {fault}") from None


def missing_packages(case: Case) -> list[str]:
    """Those of the case's Debian packages that are not installed; none where the system is not Debian."""
    if not case.packages:
        return []
    try:
        done = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package}\n", *case.packages],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    except FileNotFoundError:
        return []
    installed = {line.split()[1] for line in done.stdout.splitlines() if line.startswith("installed ")}
    return [package for package in case.packages if package not in installed]
