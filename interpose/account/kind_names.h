// Names that programs give, made fit to be kept and shown.
#pragma once

#include <cstddef>

namespace bursar::kind_names {

/// Copies a name of any bytes and length as UTF-8 into `text`, NUL-terminated and cut at a character. Bytes that are no UTF-8, and
/// characters that steer a terminal, become '?'. A null `name` gives an empty text. Reads no byte behind the first that does not fit.
void clean(const char* name, char* text, size_t text_bytes) noexcept;

/// The same for a name of threads that are of one kind: each row of digits becomes '*', so that worker-3 and worker-17 are worker-*.
void clean_starred(const char* name, char* text, size_t text_bytes) noexcept;

}  // namespace bursar::kind_names
