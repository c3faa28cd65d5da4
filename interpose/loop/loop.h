// What libbursar-loop.so and the library of the heap know of each other: three names.
#pragma once

// Each is defined in one library and weak in the other, so that either may be loaded alone.
extern "C" {

/// Defined by the heap: the calling thread is about to wait for events, so its turn of the event loop has ended. Safe in any
/// thread and in signal handlers, at any time.
[[gnu::weak]] void bursar_loop_leave();

/// Defined by the heap: the calling thread begins a turn.
[[gnu::weak]] void bursar_loop_enter();

/// Defined by libbursar-loop.so; does nothing. Its address tells the heap that somebody will call the other two.
[[gnu::weak]] void bursar_loop_is_loaded();
}
