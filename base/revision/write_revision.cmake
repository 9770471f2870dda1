# Writes the source file OUTPUT, which names the commit of SOURCE_DIR; leaves one that already does as it is.
execute_process(COMMAND git -C "${SOURCE_DIR}" describe --always --dirty --abbrev=12 --exclude=*
                OUTPUT_VARIABLE revision OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
if(failed)
  set(revision "unknown")
endif()
file(CONFIGURE OUTPUT "${OUTPUT}" CONTENT [[#include "base/revision/revision.h"

std::string reprise::revision() { return "@revision@"; }
]] @ONLY)
