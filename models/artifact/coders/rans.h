// Our own entropy coder for codes: rANS under symbol tables that need not be sent. Two ways:
//
//   spreads  the bytes are signed codes in rows, normal numbers but for the spread of their row and
//            their column; a level for each is sent (spread_levels.h);
//   counts   the bytes are anything; the table follows their counts (counted_table.h).
//
// docs/artifact.md has the bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace reprise {

/// The shorter of both ways. Rows of `row_bytes`, the last may be shorter; 0: no rows, by counts.
std::string encode_rans(std::string_view bytes, int64_t row_bytes);

/// Fills `bytes`; false where `coded` is not the coded form of as many bytes in such rows.
bool decode_rans(std::string_view coded, int64_t row_bytes, std::string& bytes);

}  // namespace reprise
