// `bursar serve`: the ledgers of this host over HTTP, for Prometheus and for a browser.
#pragma once

#include <string>

#include "tools/bursar/serve_watch.h"

namespace bursar::tool {

struct ServeOptions {
  std::string listen = "127.0.0.1:9477";
  std::string ledgers;  // a directory of them; empty: all of this host
  WatchLimits limits;
};

/// Serves until SIGINT or SIGTERM; the exit status. Throws a Fault where it cannot listen.
int serve(const ServeOptions& options);

}  // namespace bursar::tool
