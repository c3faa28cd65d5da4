// Cases that want an account.
#ifndef GUESTS_COUNTED_H
#define GUESTS_COUNTED_H

#include "expect.h"

/// The case begins again under these settings.
inline void under(const char* settings) {
  if (guest_is_again() != 0) return;
  setenv("BURSAR", settings, 1);
  guest_again();
}

inline void counted() { under("stats=json,out=/dev/null"); }

#endif
