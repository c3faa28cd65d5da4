"""The real programs, in the order they are measured."""

import program_compilers
import program_git
import program_postgres
import program_redis
import program_scripts
import program_tools

CASES = (*program_scripts.CASES, *program_compilers.CASES, *program_git.CASES, *program_tools.CASES,
         *program_redis.CASES, *program_postgres.CASES)
