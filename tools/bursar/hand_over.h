// What a thread was about to hand from its slot to the tables of tasks when its process ended.
#pragma once

#include "interpose/account/ledger_view.h"

namespace bursar::tool {

/// A thread that leaves its task adds each of its figures to the kind and takes it out of its slot, one instruction after the other. Where the process
/// ended, or was looked at, between the two, that figure stands in both. The sums show it, since a slot's own do not change: then it is taken out of
/// `slots`, and added to the record of the task, which is told last. Two threads between the two at the same time are not told apart: then a kind may
/// seem to have more than it has, while the sums of the process stay exact. `slots` and `tasks` are those of the view, of which this is the copy.
void finish_hand_over(const ledger::View& view, ledger::Slot* slots, ledger::Task* tasks) noexcept;

}  // namespace bursar::tool
