// A small HTTP server, for clients that may be slow, broken or hostile.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "tools/bursar/serve_address.h"

namespace bursar::tool {

struct HttpRequest {
  std::string path;   // up to the question mark, as it came
  std::string query;  // behind it
  std::string host;
  std::string accept;
};

struct HttpReply {
  unsigned status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body;
};

/// Answers a GET or HEAD.
using HttpHandler = std::function<HttpReply(const HttpRequest&)>;

/// Lives in the io_context, until that goes. All in the one thread that runs the io_context, handler included. One
/// request may take request_seconds_max to come and reply_seconds_max to go, its header at most header_bytes_max; no
/// body is taken. Of connections_max connections, one more closes the one that has waited longest: clients that only
/// hold connections shut nobody out.
class HttpServer {
 public:
  static constexpr int request_seconds_max = 10;
  static constexpr int reply_seconds_max = 10;
  static constexpr int farewell_seconds_max = 2;
  static constexpr unsigned header_bytes_max = 8 * 1024;
  static constexpr size_t connections_max = 64;

  /// Listens; `listen.port` becomes the real one where it was 0. Throws a Fault.
  HttpServer(boost::asio::io_context& context, ListenAddress& listen, HttpHandler handler);

 private:
  class Listener;
  std::shared_ptr<Listener> listener_;
};

}  // namespace bursar::tool
