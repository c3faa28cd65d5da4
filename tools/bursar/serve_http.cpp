// Connections and what is said on them.
#include "tools/bursar/serve_http.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <list>
#include <optional>
#include <utility>

#include "tools/bursar/fault.h"

namespace bursar::tool {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;

constexpr std::chrono::milliseconds pause_without_descriptors{100};

/// Scripts, styles and data from here alone; nobody frames the page, and no other site's page reads what is told.
constexpr std::pair<const char*, const char*> fields_of_all[] = {
    {"Cache-Control", "no-store"},
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
     "form-action 'none'; frame-ancestors 'none'"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Referrer-Policy", "no-referrer"},
    {"Server", "bursar"},
    {"X-Content-Type-Options", "nosniff"},
};

std::string text_of(boost::beast::string_view text) { return {text.data(), text.size()}; }

unsigned status_for(const error_code& error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow) return 431;
  if (error == http::error::unexpected_body || error == http::error::body_limit) return 413;
  return 400;
}

HttpReply complaint(unsigned status) {
  return {.status = status,
          .body = fmt::format("{}\n", text_of(http::obsolete_reason(static_cast<http::status>(status))))};
}

/// One client. It keeps itself alive by the operation that it waits for.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using List = std::list<std::weak_ptr<Connection>>;

  /// Handler and list are the owner's.
  Connection(tcp::socket socket, std::shared_ptr<void> owner, const HttpHandler& handler, List& list)
      : owner_(std::move(owner)), stream_(std::move(socket)), handler_(handler), list_(list), place_(list.end()) {}

  ~Connection() {
    if (place_ != list_.end()) list_.erase(place_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void start() {
    place_ = list_.insert(list_.end(), weak_from_this());
    receive();
  }

  void close() {
    error_code ignored;
    stream_.socket().close(ignored);
  }

 private:
  /// One deadline for the whole request, however it drips in; it also ends connections that say nothing.
  void receive() {
    list_.splice(list_.end(), list_, place_);
    parser_.emplace();
    parser_->header_limit(HttpServer::header_bytes_max);
    stream_.expires_after(std::chrono::seconds(HttpServer::request_seconds_max));
    http::async_read(stream_, buffer_, *parser_,
                     [self = shared_from_this()](error_code error, size_t) { self->take(error); });
  }

  void take(const error_code& error) {
    if (error == http::error::end_of_stream) return shut_down();
    if (error && error.category() != http::make_error_code(http::error::bad_method).category()) return;
    if (error) {
      is_last_ = true;
      return send(complaint(status_for(error)), http::verb::get, 11);
    }
    const auto& request = parser_->get();
    is_last_ = !request.keep_alive();
    send(reply_to(request), request.method(), request.version());
  }

  HttpReply reply_to(const http::request<http::empty_body>& request) {
    if (request.method() != http::verb::get && request.method() != http::verb::head) return complaint(405);
    const std::string target = text_of(request.target());
    const size_t mark = std::min(target.find('?'), target.size());
    HttpRequest asked{.path = target.substr(0, mark),
                      .query = target.substr(std::min(mark + 1, target.size())),
                      .host = text_of(request[http::field::host]),
                      .accept = text_of(request[http::field::accept])};
    if (request.count(http::field::host) > 1) return complaint(400);
    if (request.version() >= 11 && request.count(http::field::host) == 0) return complaint(400);
    try {
      return handler_(asked);
    } catch (const std::exception&) {
      // One answer that cannot be made does not end the server.
      return complaint(500);
    }
  }

  void send(HttpReply reply, http::verb method, unsigned version) {
    response_ = {};
    response_.version(version);
    response_.result(reply.status);
    response_.set(http::field::content_type, reply.type);
    for (const auto& [field, value] : fields_of_all) response_.set(field, value);
    if (reply.status == 405) response_.set(http::field::allow, "GET, HEAD");
    response_.keep_alive(!is_last_);
    response_.content_length(reply.body.size());
    response_.body() = std::move(reply.body);
    serializer_.emplace(response_);
    stream_.expires_after(std::chrono::seconds(HttpServer::reply_seconds_max));
    auto sent = [self = shared_from_this()](error_code error, size_t) { self->go_on(error); };
    if (method == http::verb::head) {
      http::async_write_header(stream_, *serializer_, std::move(sent));
    } else {
      http::async_write(stream_, *serializer_, std::move(sent));
    }
  }

  void go_on(const error_code& error) {
    if (error) return;
    if (is_last_) return shut_down();
    receive();
  }

  /// A socket that is closed with something unread resets its connection, and with that may take the last answer away.
  void shut_down() {
    error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    stream_.expires_after(std::chrono::seconds(HttpServer::farewell_seconds_max));
    discard();
  }

  void discard() {
    stream_.async_read_some(asio::buffer(discarded_), [self = shared_from_this()](error_code error, size_t) {
      if (!error) self->discard();
    });
  }

  std::shared_ptr<void> owner_;
  beast::tcp_stream stream_;
  const HttpHandler& handler_;
  List& list_;
  List::iterator place_;
  beast::flat_buffer buffer_{size_t{2} * HttpServer::header_bytes_max};
  std::optional<http::request_parser<http::empty_body>> parser_;
  http::response<http::string_body> response_;
  std::optional<http::response_serializer<http::string_body>> serializer_;
  bool is_last_ = false;
  std::array<char, 4096> discarded_;
};

const char* way_out_of(const error_code& error) {
  if (error == asio::error::address_in_use) return "another program listens there: name another port with --listen";
  if (error == asio::error::access_denied) return "not permitted: ports below 1024 are for root";
  if (error == boost::system::errc::address_not_available) return "this host has no such address";
  return nullptr;
}

[[noreturn]] void refuse(const ListenAddress& listen, const error_code& error) {
  const char* way_out = way_out_of(error);
  throw Fault(
      fmt::format("serve: cannot listen on {}: {}", listen.text(), way_out != nullptr ? way_out : error.message()));
}

}  // namespace

class HttpServer::Listener : public std::enable_shared_from_this<HttpServer::Listener> {
 public:
  Listener(asio::io_context& context, HttpHandler handler)
      : acceptor_(context), pause_(context), handler_(std::move(handler)) {}

  void open(ListenAddress& listen) {
    const tcp::endpoint endpoint(asio::ip::make_address(listen.host), listen.port);
    error_code error;
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) refuse(listen, error);
    listen.port = acceptor_.local_endpoint().port();
  }

  void accept() {
    acceptor_.async_accept(
        [self = shared_from_this()](error_code error, tcp::socket socket) { self->greet(error, std::move(socket)); });
  }

 private:
  using List = Connection::List;

  void greet(const error_code& error, tcp::socket socket) {
    if (error) return accept_after_pause();
    if (connections_.size() >= connections_max) {
      if (const auto longest_waiting = connections_.front().lock()) longest_waiting->close();
    }
    std::make_shared<Connection>(std::move(socket), shared_from_this(), handler_, connections_)->start();
    accept();
  }

  /// There may be no file descriptor for one more connection; to try at once would be to spin.
  void accept_after_pause() {
    pause_.expires_after(pause_without_descriptors);
    pause_.async_wait([self = shared_from_this()](error_code error) {
      if (!error) self->accept();
    });
  }

  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  HttpHandler handler_;
  List connections_;
};

HttpServer::HttpServer(asio::io_context& context, ListenAddress& listen, HttpHandler handler)
    : listener_(std::make_shared<Listener>(context, std::move(handler))) {
  listener_->open(listen);
  listener_->accept();
}

}  // namespace bursar::tool
