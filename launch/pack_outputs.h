// What `reprise pack` leaves beside an artifact: its name, and one of these behind it.
#pragma once

#include <string_view>

namespace reprise {

inline constexpr std::string_view kPackSummarySuffix = ".pack.json";   ///< how it came about
inline constexpr std::string_view kPackLedgerSuffix = ".ledger.json";  ///< where its bytes went

}  // namespace reprise
