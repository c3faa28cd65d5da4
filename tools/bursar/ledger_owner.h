// Whose word is taken for a process: a file with a ledger's name may be anybody's.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>

namespace bursar::tool {

/// Whether a ledger that was found at `path`, and belongs to this user, may tell of the process. The reader's own and root's may; one of another
/// user only of a process that runs as that user or, where the process is gone, if nobody but that user and root could put it there: neither
/// its directory nor one above may be written to by others, as /tmp and /dev/shm may.
[[nodiscard]] bool may_tell_of(uint32_t process_id, uid_t owner, const std::filesystem::path& path);

}  // namespace bursar::tool
