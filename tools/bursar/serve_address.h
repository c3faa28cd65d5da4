// Where the server listens, and whom it answers there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bursar::tool {

struct ListenAddress {
  std::string host;   // an address; without the brackets of an IPv6 one
  uint16_t port = 0;  // 0: any that is free
  bool is_loopback = true;
  std::string name;  // as the user wrote the host

  /// As it stands in a URL.
  [[nodiscard]] std::string text() const;
};

/// ADDRESS:PORT, [ADDRESS]:PORT, localhost:PORT or PORT alone, which is on 127.0.0.1. Throws a Fault.
[[nodiscard]] ListenAddress parse_listen_address(const std::string& text);

/// A page of another site may make its own name lead to 127.0.0.1 and so reach a server there; but the browser tells
/// the name in the Host header. On loopback only the names that loopback has are answered; `host` may be empty, as
/// programs of old send it.
[[nodiscard]] bool is_own_host(const ListenAddress& listen, std::string_view host);

}  // namespace bursar::tool
