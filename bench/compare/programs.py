"""The real programs, in the order they are measured."""

import program_compilers
import program_scripts

CASES = (*program_scripts.CASES, *program_compilers.CASES)
