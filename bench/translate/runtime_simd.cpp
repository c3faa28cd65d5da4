// The variant with the runtime API that scans 16 bytes at a time.
#include "bench/translate/file_translator.h"
#include "bench/translate/runtime_memory.h"
#include "bench/translate/scan.h"

template class bursar::translate::FileTranslator<bursar::translate::RuntimeMemory, bursar::translate::SimdScan>;
