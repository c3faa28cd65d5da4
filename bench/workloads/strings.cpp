// What do strings and vectors cost as a C++ service makes them: requests taken apart, answers built, some kept?
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "work.h"

namespace {

constexpr long requests_full = 400 * 1000;
constexpr size_t kept_answers = 20 * 1000;

using Field = std::pair<std::string, std::string>;

Arguments arguments;

std::string make_request(Random& random) {
  std::string request = "POST /accounts/transfer?";
  for (uint32_t fields = 3 + next_below(&random, 8); fields > 0; --fields) {
    request += "field_" + std::to_string(next_below(&random, 1000)) + '=';
    request.append(next_size(&random, 3, 7), static_cast<char>('a' + fields));
    request += '&';
  }
  return request;
}

std::vector<Field> take_apart(std::string_view request) {
  std::vector<Field> fields;
  request.remove_prefix(request.find('?') + 1);
  while (!request.empty()) {
    const size_t end = request.find('&');
    const size_t equals = request.find('=');
    fields.emplace_back(request.substr(0, equals), request.substr(equals + 1, end - equals - 1));
    request.remove_prefix(end + 1);
  }
  return fields;
}

std::string answer(const std::vector<Field>& fields) {
  std::string text = "{";
  for (const auto& [name, value] : fields) {
    text += "\"" + name + "\": ";
    text += '"' + value + "\", ";
  }
  text.back() = '}';
  return text;
}

void work(int index) {
  Random random = random_of(static_cast<uint64_t>(index));
  std::vector<std::string> kept(kept_answers / static_cast<size_t>(arguments.threads));
  for (long requests = scaled_share(&arguments, requests_full); requests > 0; --requests) {
    const std::vector<Field> fields = take_apart(make_request(random));
    std::string text = answer(fields);
    std::string& place = kept[next_below(&random, static_cast<uint32_t>(kept.size()))];
    check(place.empty() || (place.front() == '{' && place.back() == '}'), "an answer lost its contents");
    place = std::move(text);
  }
}

}  // namespace

int main(int count, char** words) {
  arguments = arguments_of(count, words);
  run_threads(arguments.threads, work);
  return 0;
}
