"""A JVM under the library: its compilers and collectors, native memory, zlib, threads and child processes."""

import preload_case

SOURCE = str(preload_case.WORKLOADS / "Work.java")


class Java(preload_case.PreloadCase):
    def test_takes_malloc_from_the_library(self):
        self.assert_serves_malloc(["java", "-Xshare:auto", "-version"])

    def test_says_the_same_with_the_serial_collector(self):
        self.assert_same(["java", "-XX:+UseSerialGC", "-Xmx96m", SOURCE])

    def test_says_the_same_with_g1_and_native_memory_tracking(self):
        self.assert_same(["java", "-XX:+UseG1GC", "-XX:NativeMemoryTracking=summary", "-Xmx96m", SOURCE])


if __name__ == "__main__":
    preload_case.main()
