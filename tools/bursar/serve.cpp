// The server's life: listen, look at the ledgers each second, end by a signal.
#include "tools/bursar/serve.h"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <csignal>

#include "tools/bursar/report.h"
#include "tools/bursar/serve_clock.h"
#include "tools/bursar/serve_http.h"
#include "tools/bursar/serve_routes.h"

namespace bursar::tool {
namespace {

namespace asio = boost::asio;

constexpr std::chrono::seconds sample_interval{1};

void tell(const std::string& line) { (void)write_all(STDERR_FILENO, "bursar: " + line + "\n"); }

/// Takes a sample each second. Where one took longer than that (the host slept, there are very many ledgers), those
/// that were missed are left out.
class Sampler {
 public:
  Sampler(asio::io_context& context, Watch& watch) : timer_(context), watch_(watch) {}

  void start() {
    watch_.sample(unix_ms_now());
    timer_.expires_after(sample_interval);
    wait();
  }

  void stop() { timer_.cancel(); }

 private:
  void wait() {
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      watch_.sample(unix_ms_now());
      timer_.expires_at(std::max(timer_.expiry() + sample_interval, asio::steady_timer::clock_type::now()));
      wait();
    });
  }

  asio::steady_timer timer_;
  Watch& watch_;
};

}  // namespace

int serve(const ServeOptions& options) {
  ListenAddress listen = parse_listen_address(options.listen);
  asio::io_context context(1);
  Watch watch(options.ledgers.empty() ? host_source() : directory_source(options.ledgers), options.limits);
  // Before the address is told: whoever reads it may send a signal at once.
  asio::signal_set signals(context, SIGINT, SIGTERM);
  HttpServer server(context, listen, [&](const HttpRequest& request) { return answer(watch, listen, request); });
  if (!listen.is_loopback) {
    tell(fmt::format("serve: warning: whoever reaches {} can read the names and figures of this host's programs",
                     listen.text()));
  }
  Sampler sampler(context, watch);
  sampler.start();
  tell(fmt::format("serve: http://{}/ (for Prometheus: /metrics); Ctrl-C ends it", listen.text()));
  signals.async_wait([&](const boost::system::error_code&, int) { context.stop(); });
  context.run();
  return 0;
}

}  // namespace bursar::tool
