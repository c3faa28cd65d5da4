// What the shared libraries ask of a process and what they show it: needed libraries, thread-local bytes, symbols.
#include <elf.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "guest_runner.h"

namespace {

// A 64-bit ELF file, read through its dynamic section as the loader does.
class Library {
 public:
  explicit Library(const std::string& path) {
    std::ifstream stream(path, std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(stream), {});
    if (bytes_.size() < sizeof(Elf64_Ehdr) || memcmp(bytes_.data(), ELFMAG, SELFMAG) != 0) bytes_.clear();
  }

  [[nodiscard]] bool is_open() const { return !bytes_.empty(); }

  [[nodiscard]] std::vector<std::string> needed() const {
    std::vector<std::string> names;
    for (const Elf64_Dyn& entry : dynamic_entries())
      if (entry.d_tag == DT_NEEDED) names.push_back(dynamic_string(entry.d_un.d_val));
    return names;
  }

  [[nodiscard]] bool has_flag(Elf64_Sxword tag, uint64_t flag) const {
    for (const Elf64_Dyn& entry : dynamic_entries())
      if (entry.d_tag == tag && (entry.d_un.d_val & flag) != 0) return true;
    return false;
  }

  [[nodiscard]] uint64_t thread_local_bytes() const {
    for (const Elf64_Phdr& segment : segments())
      if (segment.p_type == PT_TLS) return segment.p_memsz;
    return 0;
  }

  // Names of the symbols that others can bind to (defined) or that others must bring (undefined).
  [[nodiscard]] std::set<std::string> symbols(bool defined) const {
    std::set<std::string> names;
    for (const Elf64_Shdr& section : sections()) {
      if (section.sh_type != SHT_DYNSYM) continue;
      const Elf64_Shdr strings = sections()[section.sh_link];
      for (const auto& symbol : at<Elf64_Sym>(section.sh_offset, section.sh_size / sizeof(Elf64_Sym))) {
        if ((symbol.st_shndx != SHN_UNDEF) != defined || ELF64_ST_BIND(symbol.st_info) == STB_LOCAL) continue;
        if (symbol.st_shndx == SHN_ABS) continue;  // The names of versions.
        names.insert(bytes_.data() + strings.sh_offset + symbol.st_name);
      }
    }
    return names;
  }

 private:
  template <typename T>
  [[nodiscard]] std::vector<T> at(size_t offset, size_t count) const {
    std::vector<T> result(count);
    if (count > 0) memcpy(result.data(), bytes_.data() + offset, count * sizeof(T));
    return result;
  }
  [[nodiscard]] Elf64_Ehdr header() const { return at<Elf64_Ehdr>(0, 1)[0]; }
  [[nodiscard]] std::vector<Elf64_Phdr> segments() const { return at<Elf64_Phdr>(header().e_phoff, header().e_phnum); }
  [[nodiscard]] std::vector<Elf64_Shdr> sections() const { return at<Elf64_Shdr>(header().e_shoff, header().e_shnum); }

  [[nodiscard]] std::vector<Elf64_Dyn> dynamic_entries() const {
    for (const Elf64_Phdr& segment : segments())
      if (segment.p_type == PT_DYNAMIC) return at<Elf64_Dyn>(segment.p_offset, segment.p_filesz / sizeof(Elf64_Dyn));
    return {};
  }
  [[nodiscard]] std::string dynamic_string(size_t offset) const {
    for (const Elf64_Shdr& section : sections())
      if (section.sh_type == SHT_DYNAMIC) return bytes_.data() + sections()[section.sh_link].sh_offset + offset;
    return "";
  }

  std::vector<char> bytes_;
};

const std::set<std::string> c_functions = {"malloc",           "calloc",
                                           "realloc",          "free",
                                           "aligned_alloc",    "memalign",
                                           "posix_memalign",   "valloc",
                                           "pvalloc",          "malloc_usable_size",
                                           "malloc_trim",      "malloc_stats",
                                           "malloc_info",      "mallinfo",
                                           "mallinfo2",        "mallopt",
                                           "reallocarray",     "cfree",
                                           "free_sized",       "free_aligned_sized",
                                           "__posix_memalign", "__libc_malloc",
                                           "__libc_calloc",    "__libc_realloc",
                                           "__libc_free",      "__libc_cfree",
                                           "__libc_memalign",  "__libc_valloc",
                                           "__libc_pvalloc",   "__libc_mallinfo",
                                           "__libc_mallopt",   "__libc_reallocarray"};

const std::set<std::string> operators = {"_Znwm",
                                         "_Znam",
                                         "_ZnwmRKSt9nothrow_t",
                                         "_ZnamRKSt9nothrow_t",
                                         "_ZnwmSt11align_val_t",
                                         "_ZnamSt11align_val_t",
                                         "_ZnwmSt11align_val_tRKSt9nothrow_t",
                                         "_ZnamSt11align_val_tRKSt9nothrow_t",
                                         "_ZdlPv",
                                         "_ZdaPv",
                                         "_ZdlPvm",
                                         "_ZdaPvm",
                                         "_ZdlPvRKSt9nothrow_t",
                                         "_ZdaPvRKSt9nothrow_t",
                                         "_ZdlPvSt11align_val_t",
                                         "_ZdaPvSt11align_val_t",
                                         "_ZdlPvmSt11align_val_t",
                                         "_ZdaPvmSt11align_val_t",
                                         "_ZdlPvSt11align_val_tRKSt9nothrow_t",
                                         "_ZdaPvSt11align_val_tRKSt9nothrow_t"};

// Harmless extras: the old hooks, for libraries opened with RTLD_DEEPBIND on an old glibc, and BSD's reallocarr.
const std::set<std::string> allowed_extras = {"__malloc_hook", "__realloc_hook",           "__memalign_hook",
                                              "__free_hook",   "__malloc_initialize_hook", "reallocarr",
                                              "malloc_size",   "malloc_good_size"};

class SharedLibrary : public ::testing::TestWithParam<const char*> {
 protected:
  Library library_{bursar::testing::library_path(GetParam())};
  void SetUp() override { ASSERT_TRUE(library_.is_open()) << GetParam(); }
};

TEST_P(SharedLibrary, NeedsTheCLibraryAlone) {
  for (const std::string& name : library_.needed())
    EXPECT_TRUE(name == "libc.so.6" || name.rfind("ld-linux", 0) == 0) << name;
}

TEST_P(SharedLibrary, DefinesTheWholeFamily) {
  const std::set<std::string> defined = library_.symbols(true);
  for (const std::string& name : c_functions) EXPECT_TRUE(defined.count(name) == 1) << name;
  EXPECT_EQ(operators.size(), 20U);
  for (const std::string& name : operators) EXPECT_TRUE(defined.count(name) == 1) << name;
}

TEST_P(SharedLibrary, DefinesNothingElse) {
  for (const std::string& name : library_.symbols(true))
    EXPECT_TRUE(c_functions.count(name) + operators.count(name) + allowed_extras.count(name) == 1 ||
                name.rfind("bursar_", 0) == 0)
        << name;
}

TEST_P(SharedLibrary, StaysLoaded) { EXPECT_TRUE(library_.has_flag(DT_FLAGS_1, DF_1_NODELETE)); }

TEST_P(SharedLibrary, CallsNoLoaderForThreadLocals) { EXPECT_EQ(library_.symbols(false).count("__tls_get_addr"), 0U); }

TEST_P(SharedLibrary, BindsItsOperatorsLikeEveryoneElse) {
  EXPECT_FALSE(library_.has_flag(DT_FLAGS, DF_SYMBOLIC)) << "a program's own operator new would be passed over";
}

INSTANTIATE_TEST_SUITE_P(The, SharedLibrary, ::testing::Values("libbursar.so", "libbursar-jemalloc.so"),
                         [](const auto& info) {
                           return std::string(info.param).find("jemalloc") == std::string::npos ? "default"
                                                                                                : "jemalloc";
                         });

TEST(LibbursarSo, UsesAtMost64ThreadLocalBytes) {
  const Library library(bursar::testing::library_path("libbursar.so"));
  ASSERT_TRUE(library.is_open());
  EXPECT_GT(library.thread_local_bytes(), 0U);
  EXPECT_LE(library.thread_local_bytes(), 64U);
}

}  // namespace
