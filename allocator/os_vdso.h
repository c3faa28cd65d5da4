// Functions that the kernel maps into every process (vDSO).
#pragma once

namespace bursar::os {

/// The address of a function of the vDSO; null when there is no such. Walks its symbols: ask once. Needs nothing of libc but
/// the auxiliary vector.
[[nodiscard]] void* vdso_function(const char* name) noexcept;

}  // namespace bursar::os
