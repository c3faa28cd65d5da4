#!/usr/bin/env python3
"""Writes a C++ source that holds the page's files: embed.py OUTPUT FILE..."""

import pathlib
import sys

TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
PART_BYTES = 100


def literal(data):
    """As many string literals, since lines may not be endless; octal, which ends after three digits."""
    def escape(byte):
        if byte in b'"\\':
            return "\\" + chr(byte)
        return chr(byte) if 32 <= byte < 127 and byte != ord("?") else f"\\{byte:03o}"

    parts = [data[start:start + PART_BYTES] for start in range(0, len(data), PART_BYTES)]
    return "\n".join('     "' + "".join(map(escape, part)) + '"' for part in parts) or '     ""'


def main():
    output, *files = map(pathlib.Path, sys.argv[1:])
    entries = []
    for file in files:
        data = file.read_bytes()
        path = "/" if file.name == "index.html" else "/" + file.name
        entries.append(f'    {{"{path}", "{TYPES[file.suffix]}", std::string_view(\n{literal(data)},\n     {len(data)})}},\n')
    output.write_text("// Made by embed.py from the files of tools/bursar/page.\n"
                      '#include "tools/bursar/serve_page.h"\n\n'
                      "namespace bursar::tool {\nnamespace {\n\n"
                      "constexpr PageFile files[] = {\n" + "".join(entries) + "};\n\n}  // namespace\n\n"
                      "std::span<const PageFile> page_files() { return files; }\n\n}  // namespace bursar::tool\n")


if __name__ == "__main__":
    main()
