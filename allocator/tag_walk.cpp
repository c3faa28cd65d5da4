// A walk over the tags of all blocks in use.
#include "allocator/bump.h"
#include "allocator/depot.h"
#include "allocator/heap.h"
#include "allocator/heap_registry.h"
#include "allocator/large.h"
#include "allocator/slab.h"
#include "allocator/thread.h"

namespace bursar::heap {
namespace {

struct Visitor {
  TagVisitor visit;
  void* context;

  void operator()(BlockTag& tag, size_t usable_bytes, SizeClass size_class) const noexcept {
    if (tag.load(std::memory_order_relaxed) != 0) visit(context, {tag, usable_bytes, size_class});
  }
};

void visit_slab(const Slab& slab, const Visitor& visitor) noexcept {
  if (slab.tags == nullptr) return;
  const size_t bytes = slab.block_bytes();
  for (size_t i = 0; i < slab.capacity; ++i) visitor(slab.tags[i], bytes, slab.size_class);
}

void visit_chunk(const BumpChunk& chunk, const Visitor& visitor) noexcept {
  for (void* block = bump::first_block_locked(chunk); block != nullptr; block = bump::next_block_locked(chunk, block)) {
    visitor(*bump::tag_of(block), bump::usable_bytes(block), 0);
  }
}

/// Its length as the depot knows it: what the record says of it is written without the lock.
void visit_pages(Run& run, const Visitor& visitor) noexcept {
  visitor(*large::tag_of(&run), run.granules * granule_bytes, 0);
}

void visit_segment(Segment& segment, const Visitor& visitor) noexcept {
  for (size_t granule = 0; granule < segment_granules;) {
    Run& run = *segment.record_of(granule);
    switch (run.kind) {
      case RunKind::slab: visit_slab(static_cast<Slab&>(run), visitor); break;
      case RunKind::pages: visit_pages(run, visitor); break;
      case RunKind::bump: visit_chunk(static_cast<BumpChunk&>(run), visitor); break;
      case RunKind::mapping:
      case RunKind::emergency:
      case RunKind::unused: break;
    }
    granule += run.kind == RunKind::unused || run.granules == 0 ? 1 : run.granules;
  }
}

}  // namespace

void for_each_tag(TagVisitor visit, void* context) noexcept {
  const bool was_inside = thread.is_inside;
  thread.is_inside = true;
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  heap_registry.notice_fork();
  {
    const Visitor visitor{visit, context};
    const LockGuard guard(depot.lock());
    for (Segment* segment = depot.first_made_locked(); segment != nullptr; segment = segment->next_made) {
      if (!segment->is_empty()) visit_segment(*segment, visitor);
    }
    for (LargeRun* run = large::first_mapping_locked(); run != nullptr; run = run->next_mapping) {
      visitor(*large::tag_of(run), large::usable_bytes(run), 0);
    }
  }
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  thread.is_inside = was_inside;
}

}  // namespace bursar::heap
