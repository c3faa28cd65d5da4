// Numbers in few characters, by integer arithmetic alone.
#include "interpose/account/render_numbers.h"

namespace bursar::ledger {
namespace {

constexpr uint64_t ns_per_second = 1'000'000'000;

/// Three digits that count: 1.23, 12.3, 123. Pre: hundredths < 2^60.
Cell three_digits(uint64_t hundredths) noexcept {
  Cell cell;
  if (hundredths >= 9995) return cell.add_decimal((hundredths + 50) / 100);
  const bool one_place = hundredths >= 1000;
  const uint64_t scaled = one_place ? (hundredths + 5) / 10 : hundredths;
  const uint64_t unit = one_place ? 10 : 100;
  cell.add_decimal(scaled / unit).add(".");
  if (!one_place && scaled % unit < 10) cell.add("0");
  return cell.add_decimal(scaled % unit);
}

Cell with_unit(Cell number, const char* unit) noexcept { return number.add(" ").add(unit); }

}  // namespace

Cell grouped(uint64_t value) noexcept {
  char digits[20];
  size_t count = 0;
  do {
    digits[count++] = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  Cell cell;
  while (count != 0) {
    cell.add(&digits[--count], 1);
    if (count != 0 && count % 3 == 0) cell.add(",");
  }
  return cell;
}

Cell bytes_text(uint64_t bytes) noexcept {
  static constexpr char units[][4] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return with_unit(grouped(bytes), "B");
  unsigned unit = 0;
  unsigned shift = 10;
  // 1023.5 KiB would be rounded to 1024 KiB.
  while (unit + 1 < sizeof units / sizeof units[0] && (bytes >> shift) * 2 + (bytes >> (shift - 1) & 1) >= 2047) {
    ++unit;
    shift += 10;
  }
  const unsigned dropped = shift - 10;  // of what comes after the point, ten bits are plenty
  const uint64_t scaled = bytes >> dropped;
  return with_unit(three_digits((scaled >> 10) * 100 + ((scaled & 1023) * 100 + 512) / 1024), units[unit]);
}

Cell duration_text(uint64_t ns) noexcept {
  if (ns < 1'000) return with_unit(grouped(ns), "ns");
  if (ns < 999'500) return with_unit(three_digits(ns / 10), "us");
  if (ns < 999'500'000) return with_unit(three_digits(ns / 10'000), "ms");
  if (ns < 100 * ns_per_second) return with_unit(three_digits(ns / 10'000'000), "s");
  const uint64_t seconds = ns / ns_per_second;
  return with_unit(with_unit(grouped(seconds / 60), "min").add(" ").add_decimal(seconds % 60), "s");
}

Cell percent_text(uint64_t part, uint64_t whole) noexcept {
  Cell cell;
  if (whole == 0) return cell.add("-");
  while (part > UINT64_MAX / 2048) {
    part >>= 1;
    whole = whole >> 1 | 1;
  }
  const uint64_t tenths = (part * 1000 + whole / 2) / whole;
  return with_unit(grouped(tenths / 10).add(".").add_decimal(tenths % 10), "%");
}

uint64_t per_second(uint64_t count, uint64_t ns) noexcept {
  if (count <= UINT64_MAX / ns_per_second) return count * ns_per_second / ns;
  const uint64_t ms = ns / 1'000'000;
  return ms == 0 ? count : count / ms * 1'000;
}

}  // namespace bursar::ledger
