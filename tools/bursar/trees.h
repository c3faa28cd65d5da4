// What the processes of a run did, put together.
#pragma once

#include "tools/bursar/runtime_tree.h"
#include "tools/bursar/task_tree.h"

namespace bursar::tool {

struct Trees {
  TaskTree tasks;
  RuntimeTree runtime;

  void add(const ledger::View& view) {
    tasks.add(view);
    runtime.add(view);
  }
};

}  // namespace bursar::tool
