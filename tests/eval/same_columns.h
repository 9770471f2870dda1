// Equality of traces to the last bit.
#pragma once

#include <gtest/gtest.h>

#include "eval/trace/reader.h"

namespace reprise {

inline void expect_same_columns(const Trace& left, const Trace& right) {
  visit_token_columns([&](const char* name, auto member, auto, auto, auto) {
    EXPECT_EQ(left.tokens.*member, right.tokens.*member) << name;
  });
  visit_document_columns([&](const char* name, auto member, auto, auto, auto) {
    EXPECT_EQ(left.documents.*member, right.documents.*member) << name;
  });
}

}  // namespace reprise
