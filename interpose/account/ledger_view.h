// Where the parts of a ledger lie in memory, whoever mapped or copied it.
#pragma once

#include "interpose/account/ledger_format.h"

namespace bursar::ledger {

/// The tables up to what is in use, as the maker of the view found it. Nothing in them is taken for granted by those who read: a view
/// of any numbers whatever gives a report.
struct View {
  const Header* header;
  const Slot* slots;
  const TaskKind* kinds;
  const Task* tasks;
  size_t slot_count;  // <= ledger::slot_count
  size_t kind_count;  // <= ledger::kind_count
  size_t task_count;  // <= task_record_count
};

}  // namespace bursar::ledger
