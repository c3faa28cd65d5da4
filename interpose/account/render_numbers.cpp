// Numbers in few characters, by integer arithmetic alone.
#include "interpose/account/render_numbers.h"

namespace bursar::ledger {
namespace {

constexpr uint64_t ns_per_second = 1'000'000'000;

/// value / unit with the places that give three digits: 1.23, 12.3, 123. Pre: value * 100 + unit < 2^64.
Cell three_digits(uint64_t value, uint64_t unit, const char* unit_name) noexcept {
  uint64_t places_unit = 100;
  uint64_t rounded = (value * 100 + unit / 2) / unit;
  while (rounded >= 1000 && places_unit > 1) {
    places_unit /= 10;
    rounded = (value * places_unit + unit / 2) / unit;
  }
  Cell cell;
  cell.add_decimal(rounded / places_unit);
  if (places_unit > 1) cell.add(".");
  if (places_unit == 100 && rounded % 100 < 10) cell.add("0");
  if (places_unit > 1) cell.add_decimal(rounded % places_unit);
  return cell.add(" ").add(unit_name);
}

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
  if (bytes < 1024) return grouped(bytes).add(" B");
  size_t unit = 0;
  unsigned shift = 10;
  // From 1023.5 KiB on, "1024 KiB" would be read.
  while (unit + 1 < sizeof units / sizeof units[0] && bytes >> (shift - 1) >= 2047) {
    ++unit;
    shift += 10;
  }
  const unsigned dropped = shift > 20 ? shift - 20 : 0;  // twenty bits behind the point are plenty, and fit
  return three_digits(bytes >> dropped, uint64_t{1} << (shift - dropped), units[unit]);
}

Cell duration_text(uint64_t ns) noexcept {
  if (ns == 0) return Cell().add("0 s");
  if (ns < 1'000) return grouped(ns).add(" ns");
  if (ns < 999'500) return three_digits(ns, 1'000, "us");
  if (ns < 999'500'000) return three_digits(ns, 1'000'000, "ms");
  if (ns < 99'950'000'000) return three_digits(ns, ns_per_second, "s");
  const uint64_t seconds = (ns + ns_per_second / 2) / ns_per_second;
  return grouped(seconds / 60).add(" min ").add_decimal(seconds % 60).add(" s");
}

Cell percent_text(uint64_t part, uint64_t whole) noexcept {
  Cell cell;
  if (whole == 0) return cell.add("-");
  while (part > UINT64_MAX / 2048) {
    part >>= 1;
    whole = whole >> 1 | 1;
  }
  const uint64_t tenths = (part * 1000 + whole / 2) / whole;
  return grouped(tenths / 10).add(".").add_decimal(tenths % 10).add(" %");
}

uint64_t per_second(uint64_t count, uint64_t ns) noexcept {
  if (count <= UINT64_MAX / ns_per_second) return count * ns_per_second / ns;
  const uint64_t ms = ns / 1'000'000;
  return ms == 0 ? count : count / ms * 1'000;
}

}  // namespace bursar::ledger
