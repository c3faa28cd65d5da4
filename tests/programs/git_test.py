"""git under the library: fast-import, clone through a pack, log, blame, repack with threads, gc, fsck."""

import preload_case

SCRIPT = str(preload_case.WORKLOADS / "git.sh")


class Git(preload_case.PreloadCase):
    def test_takes_malloc_from_the_library(self):
        self.assert_serves_malloc(["git", "--version"])

    def test_says_the_same(self):
        self.assert_same(["bash", SCRIPT], GIT_CONFIG_NOSYSTEM="1", GIT_CONFIG_GLOBAL="/dev/null", GIT_PAGER="cat")


if __name__ == "__main__":
    preload_case.main()
