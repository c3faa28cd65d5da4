// The variant with the runtime API that scans byte by byte.
#include "bench/translate/file_translator.h"
#include "bench/translate/runtime_memory.h"
#include "bench/translate/scan.h"

template class bursar::translate::FileTranslator<bursar::translate::RuntimeMemory, bursar::translate::ScalarScan>;
