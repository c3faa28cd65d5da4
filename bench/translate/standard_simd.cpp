// The variant with memory of the standard library that scans 16 bytes at a time.
#include "bench/translate/file_translator.h"
#include "bench/translate/scan.h"
#include "bench/translate/standard_memory.h"

template class bursar::translate::FileTranslator<bursar::translate::StandardMemory, bursar::translate::SimdScan>;
