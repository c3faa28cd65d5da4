// Reading of addresses.
#include "tools/bursar/serve_address.h"

#include <fmt/format.h>

#include <boost/asio/ip/address.hpp>
#include <charconv>

#include "tools/bursar/fault.h"

namespace bursar::tool {
namespace {

[[noreturn]] void refuse(const std::string& text, const char* fault) {
  throw Fault(fmt::format(
      "serve: cannot listen on '{}': {}; it takes an address and a port, as in 127.0.0.1:9477 or [::1]:9477", text,
      fault));
}

struct HostAndPort {
  std::string_view host;  // brackets taken off
  std::string_view port;  // empty where there is none
};

HostAndPort split(std::string_view text) {
  if (text.substr(0, 1) == "[") {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) return {text, {}};
    const std::string_view rest = text.substr(end + 1);
    return {text.substr(1, end - 1), rest.substr(0, 1) == ":" ? rest.substr(1) : rest};
  }
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return {text, {}};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::string in_lower_case(std::string_view text) {
  std::string lower(text);
  for (char& character : lower) {
    if (character >= 'A' && character <= 'Z') character = static_cast<char>(character + ('a' - 'A'));
  }
  return lower;
}

}  // namespace

std::string ListenAddress::text() const {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

ListenAddress parse_listen_address(const std::string& text) {
  HostAndPort parts = split(text);
  if (parts.port.empty() && is_number(parts.host)) parts = {"127.0.0.1", parts.host};
  ListenAddress listen;
  const char* const end = parts.port.data() + parts.port.size();
  if (!is_number(parts.port)) refuse(text, "it names no port");
  if (std::from_chars(parts.port.data(), end, listen.port).ec != std::errc{}) refuse(text, "a port is at most 65535");
  listen.name = in_lower_case(parts.host);
  listen.host = listen.name == "localhost" ? "127.0.0.1" : listen.name;
  boost::system::error_code error;
  const boost::asio::ip::address address = boost::asio::ip::make_address(listen.host, error);
  if (error) refuse(text, "it names no IPv4 or IPv6 address");
  listen.is_loopback = address.is_loopback();
  return listen;
}

bool is_own_host(const ListenAddress& listen, std::string_view host) {
  if (!listen.is_loopback || host.empty()) return true;
  const std::string name = in_lower_case(split(host).host);
  return name == "localhost" || name == "127.0.0.1" || name == "::1" || name == listen.name || name == listen.host;
}

}  // namespace bursar::tool
