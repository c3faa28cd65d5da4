// A small HTTP server with four threads: each request is a task with a budget, and may be greedy.
//
//   GET /new/BYTES      builds a string of so many bytes, and answers with its length
//   GET /malloc/BYTES   the same with malloc, in blocks of 1000 bytes
//   GET /live           what lives in the process, outside of this request
//   GET /quit           ends the process
#include <arpa/inet.h>
#include <bursar/budget.h>
#include <bursar/metrics.h>
#include <bursar/task.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int worker_count = 4;
constexpr size_t budget_bytes = 8 << 20;

struct Answer {
  int status;
  std::string text;
};

Answer build_string(size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += "more and more of it, ";
  return {200, std::to_string(text.size())};
}

struct Chain {
  Chain* next;
};

Answer build_chain(size_t bytes) {
  Chain* first = nullptr;
  bool is_complete = true;
  for (size_t built = 0; is_complete && built < bytes; built += 1000) {
    auto* block = static_cast<Chain*>(std::malloc(1000));
    is_complete = block != nullptr;
    if (!is_complete) break;
    block->next = first;
    first = block;
  }
  const int error = errno;
  while (first != nullptr) {
    Chain* next = first->next;
    std::free(first);
    first = next;
  }
  if (!is_complete) return {507, std::strerror(error)};
  return {200, std::to_string(bytes)};
}

Answer answer_to(const std::string& path) {
  const size_t slash = path.find('/', 1);
  const size_t bytes = slash == std::string::npos ? 0 : std::strtoull(path.c_str() + slash + 1, nullptr, 10);
  if (path.compare(0, 5, "/new/") == 0) return build_string(bytes);
  if (path.compare(0, 8, "/malloc/") == 0) return build_chain(bytes);
  if (path == "/live") {
    const bursar::MemoryMetrics metrics = bursar::MemoryMetrics::read();
    return {200, std::to_string(metrics.current_bytes() - metrics.task_current_bytes())};
  }
  if (path == "/quit") std::exit(0);
  return {404, "no such path"};
}

void serve(int connection) {
  char request[1024];
  const ssize_t length = read(connection, request, sizeof request - 1);
  request[length < 0 ? 0 : length] = '\0';
  const char* path = std::strncmp(request, "GET ", 4) == 0 ? request + 4 : "/";
  bursar::Task task("GET");
  const std::string target(path, std::strcspn(path, " \r\n"));
  task.label(target.c_str());
  task.set_budget(budget_bytes);
  Answer answer;
  try {
    answer = answer_to(target);
  } catch (const bursar::BudgetExceeded& error) {
    answer = {507, error.what()};
  }
  dprintf(connection, "HTTP/1.0 %d -\r\nContent-Length: %zu\r\n\r\n%s", answer.status, answer.text.size(),
          answer.text.c_str());
}

void work(int listening) {
  while (true) {
    const int connection = accept(listening, nullptr, nullptr);
    if (connection < 0) continue;
    serve(connection);
    close(connection);
  }
}

}  // namespace

int main() {
  const int listening = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* name = reinterpret_cast<sockaddr*>(&address);
  if (bind(listening, name, length) != 0 || listen(listening, 64) != 0 || getsockname(listening, name, &length) != 0) {
    return 1;
  }
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  std::vector<std::thread> workers;
  for (int i = 0; i < worker_count; ++i) workers.emplace_back(work, listening);
  for (std::thread& worker : workers) worker.join();
}
