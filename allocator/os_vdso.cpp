// Functions that the kernel maps into every process (vDSO): looked up in its ELF image.
#include "allocator/os_vdso.h"

#include <elf.h>
#include <link.h>
#include <sys/auxv.h>

#include <cerrno>
#include <cstdint>

namespace bursar::os {
namespace {

/// What of the image is needed to find a symbol.
struct Image {
  uintptr_t load_offset = 0;
  const ElfW(Sym) * symbols = nullptr;
  const char* names = nullptr;
  const uint32_t* hash = nullptr;  // DT_HASH: buckets, chains, ...; chains is the number of symbols
};

bool equal(const char* a, const char* b) noexcept {
  while (*a != '\0' && *a == *b) {
    ++a;
    ++b;
  }
  return *a == *b;
}

void read_dynamic(const ElfW(Dyn) * entry, Image& image) noexcept {
  for (; entry->d_tag != DT_NULL; ++entry) {
    const uintptr_t address = image.load_offset + entry->d_un.d_ptr;
    if (entry->d_tag == DT_SYMTAB) image.symbols = reinterpret_cast<const ElfW(Sym)*>(address);
    if (entry->d_tag == DT_STRTAB) image.names = reinterpret_cast<const char*>(address);
    if (entry->d_tag == DT_HASH) image.hash = reinterpret_cast<const uint32_t*>(address);
  }
}

bool read_image(uintptr_t start, Image& image) noexcept {
  const auto* header = reinterpret_cast<const ElfW(Ehdr)*>(start);
  const auto* segments = reinterpret_cast<const ElfW(Phdr)*>(start + header->e_phoff);
  const ElfW(Phdr)* dynamic = nullptr;
  for (unsigned i = 0; i < header->e_phnum; ++i) {
    if (segments[i].p_type == PT_LOAD && image.load_offset == 0) {
      image.load_offset = start + segments[i].p_offset - segments[i].p_vaddr;
    }
    if (segments[i].p_type == PT_DYNAMIC) dynamic = &segments[i];
  }
  if (dynamic == nullptr) return false;
  read_dynamic(reinterpret_cast<const ElfW(Dyn)*>(start + dynamic->p_offset), image);
  return image.symbols != nullptr && image.names != nullptr && image.hash != nullptr;
}

}  // namespace

void* vdso_function(const char* name) noexcept {
  const int before = errno;
  const uintptr_t start = getauxval(AT_SYSINFO_EHDR);
  errno = before;  // set where there is no such image, as under emulators
  Image image;
  if (start == 0 || !read_image(start, image)) return nullptr;
  for (uint32_t i = 0; i < image.hash[1]; ++i) {
    const ElfW(Sym)& symbol = image.symbols[i];
    if (symbol.st_shndx == SHN_UNDEF || !equal(image.names + symbol.st_name, name)) continue;
    return reinterpret_cast<void*>(image.load_offset + symbol.st_value);
  }
  return nullptr;
}

}  // namespace bursar::os
