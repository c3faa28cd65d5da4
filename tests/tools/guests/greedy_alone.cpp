// A program that never has enough. Alone it knows nothing of budgets; with the word `task` it begins a task of its own and takes its budget away.
#include <cstring>
#include <memory>
#include <vector>

#include "bursar/task.h"

int main(int argc, char** argv) {
  const bool has_task = argc == 2 && std::strcmp(argv[1], "task") == 0;
  std::vector<std::unique_ptr<char[]>> blocks;
  bursar::Task task(has_task ? "unbounded" : "bounded");
  if (has_task)
    task.set_budget(0);
  else
    task.end();
  while (true) blocks.push_back(std::make_unique<char[]>(1 << 20));
}
