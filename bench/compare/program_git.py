"""git on a repository that is made here."""

import dataclasses
import shutil
import subprocess
from pathlib import Path

from launcher import SYSTEM_PATH
from program import SCRIPTS, OneCommand, amount, fingerprint, installed

FILES = 200
COMMITS = 1000  # of a full run
COMMITS_MIN = 40
CHANGES = 4  # files a commit changes
LINES = 160

ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_AUTHOR_DATE": "1700000000 +0000",
    "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.org", "GIT_COMMITTER_DATE": "1700000000 +0000",
    # One thread: which of two finds a delta first is chance, and so would be the packs. safe.directory: the repository
    # may belong to another user.
    "GIT_CONFIG_COUNT": "4", "GIT_CONFIG_KEY_0": "pack.threads", "GIT_CONFIG_VALUE_0": "1",
    "GIT_CONFIG_KEY_1": "gc.autoDetach", "GIT_CONFIG_VALUE_1": "false",
    "GIT_CONFIG_KEY_2": "safe.directory", "GIT_CONFIG_VALUE_2": "*",
    "GIT_CONFIG_KEY_3": "index.threads", "GIT_CONFIG_VALUE_3": "1",
}


class History:
    """A stream for `git fast-import`: files that change a few lines at a time, on two branches."""

    def __init__(self, commits: int):
        self._commits = commits
        self._files = [[f"line {line} of file {file}" for line in range(LINES + file)] for file in range(FILES)]
        self._out = []

    def stream(self) -> bytes:
        fork = self._commits // 2
        for commit in range(self._commits):
            self._commit("main", commit, range(FILES) if commit == 0 else self._changed(commit, 0))
        # The other branch leaves half-way and touches files of its own, so that it can be merged.
        for commit in range(self._commits, self._commits + self._commits // 4):
            self._commit("other", commit, self._changed(commit, 1), start=f":{fork}" if commit == self._commits else "")
        return "".join(self._out).encode()

    def _changed(self, commit, parity):
        return sorted({(commit * 7 + change * 37) % (FILES // 2) * 2 + parity for change in range(CHANGES)})

    def _commit(self, branch, commit, files, start=""):
        text = f"commit {commit} on {branch}"
        self._out.append(f"commit refs/heads/{branch}\nmark :{commit + 1}\n"
                         f"committer A <a@example.org> {1600000000 + commit * 3600} +0000\ndata {len(text)}\n{text}\n")
        if start:
            self._out.append(f"from {start}\n")
        for file in files:
            lines = self._files[file]
            for edit in range(6):
                changed = f"line {edit} changed by commit {commit}: {'=' * (commit % 50)}"
                lines[(commit * 31 + edit * 17) % len(lines)] = changed
            content = "\n".join(lines) + "\n"
            self._out.append(f"M 100644 inline directory{file % 9}/file{file}.txt\ndata {len(content)}\n{content}\n")


@dataclasses.dataclass(frozen=True)
class Git(OneCommand):
    """A script that calls git often, most runs short."""

    def command(self, directory: Path, inputs: Path, scale: float) -> list:
        commits = max(COMMITS_MIN, amount(COMMITS, scale))
        return ["/bin/sh", SCRIPTS / self.scripts[0], repository_of(inputs, commits), commits]


def repository_of(inputs: Path, commits: int) -> Path:
    """A repository with so long a history, made once."""
    repository = inputs / f"repository-{commits}-{fingerprint(__file__)}"
    if repository.exists():
        return repository
    unfinished = inputs / "unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    git = [installed("git"), "--git-dir", str(unfinished)]
    environment = {"PATH": SYSTEM_PATH, **ENVIRONMENT}
    subprocess.run([*git, "init", "--quiet", "--bare", "--initial-branch=main"], check=True, env=environment)
    subprocess.run([*git, "fast-import", "--quiet"], check=True, env=environment, input=History(commits).stream())
    return unfinished.rename(repository)


CASES = (
    Git("git", question="git: clone, log, blame, diff, merge, repack?", packages=("git",), scripts=("git.sh",),
        environment=ENVIRONMENT),
)
