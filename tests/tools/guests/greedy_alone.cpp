// A program that knows nothing of budgets and never has enough.
#include <memory>
#include <vector>

int main() {
  std::vector<std::unique_ptr<char[]>> blocks;
  while (true) blocks.push_back(std::make_unique<char[]>(1 << 20));
}
