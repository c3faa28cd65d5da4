// What there is at which path.
#pragma once

#include "tools/bursar/serve_address.h"
#include "tools/bursar/serve_http.h"
#include "tools/bursar/serve_watch.h"

namespace bursar::tool {

/// /metrics reads the ledgers first; /api/ledgers and /api/ledger?id=ID[&since=UNIX_MS] tell what the last sample
/// found.
[[nodiscard]] HttpReply answer(Watch& watch, const ListenAddress& listen, const HttpRequest& request);

}  // namespace bursar::tool
