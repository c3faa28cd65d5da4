"""gcc and g++ under the library: the same assembly to the byte, precompiled headers, link-time optimisation."""

import preload_case

TEMPLATES = str(preload_case.WORKLOADS / "templates.cpp")
PLAIN = str(preload_case.WORKLOADS / "plain.c")


def script(text):
    return ["bash", "-euc", text]


class Compiler(preload_case.PreloadCase):
    def test_takes_malloc_from_the_library(self):
        self.assert_serves_malloc(["g++", "--version"])
        compiler = self.run_in_fresh_directory([preload_case.find("g++"), "-print-prog-name=cc1plus"]).stdout.strip()
        self.assert_serves_malloc([compiler, "--version"])

    def test_c_assembly_is_the_same(self):
        self.assert_same(["gcc", "-O2", "-g", "-fdebug-prefix-map=/=.", "-S", "-o", "-", PLAIN])

    def test_cpp_assembly_is_the_same(self):
        self.assert_same(["g++", "-std=c++20", "-O2", "-S", "-o", "-", TEMPLATES])

    def test_a_compiled_program_says_the_same(self):
        self.assert_same(script(f"g++ -std=c++20 -O0 -o program {TEMPLATES}; ./program"))

    def test_a_precompiled_header_is_usable(self):
        self.assert_same(script(
            "printf '#include <map>\\n#include <string>\\n' >all.hpp; g++ -x c++-header -o all.hpp.gch all.hpp;"
            "printf '#include \"all.hpp\"\\nstd::map<int, std::string> names;\\n' >user.cpp;"
            "g++ -Winvalid-pch -Werror -include all.hpp -S -o - user.cpp"))

    def test_link_time_optimisation_gives_a_program_that_says_the_same(self):
        self.assert_same(script(
            f"printf 'int helper(int n) {{ return n * 3; }}\\n' >helper.c;"
            f"gcc -O2 -flto=2 -DWITH_HELPER -o program {PLAIN} helper.c; ./program"))


if __name__ == "__main__":
    preload_case.main()
