// The rivals that the build found: meson.build defines BURSAR_HAS_x for each.
#pragma once

#ifdef BURSAR_HAS_BOOST
#include <boost/pool/object_pool.hpp>
#include <boost/pool/pool.hpp>
#endif

#ifdef BURSAR_HAS_LLVM
#include <llvm/Support/Allocator.h>
#endif

#ifdef BURSAR_HAS_GLIB
#include <glib.h>
#endif
