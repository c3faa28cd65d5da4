// The switch for builds that check more than they need to.
#pragma once

namespace bursar {

/// Whether BURSAR_HARDENED is defined where this is compiled. Not inline: the parts of a program may differ in it.
#ifdef BURSAR_HARDENED
constexpr bool hardened_build = true;
#else
constexpr bool hardened_build = false;
#endif

}  // namespace bursar
