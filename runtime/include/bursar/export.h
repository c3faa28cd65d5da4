// How a function of the runtime's compiled part is seen from outside.
#pragma once

/// Stands before a class or a function that libbursar-runtime defines: everything else in it is hidden.
#define BURSAR_RUNTIME_EXPORT [[gnu::visibility("default")]]
