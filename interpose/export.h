// How a function of the library is seen from outside.
#pragma once

/// Defines a function that the program's calls reach; the version script must name it as well.
#define BURSAR_EXPORT extern "C" [[gnu::visibility("default")]]

/// Declares another name of a function that the same file defines.
#define BURSAR_ALIAS(name) extern "C" [[gnu::visibility("default"), gnu::alias(#name)]]
