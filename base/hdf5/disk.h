// Where the bytes of a file that is being written go: a file driver of our own.
//
// HDF5 1.10 does not survive a write that fails: a dataset whose chunks cannot be flushed is freed
// half, and the library crashes on it when the process ends. So this driver never tells it. It
// keeps the first error for File, which throws it, and lets the library finish its work into the
// void.
#pragma once

#include "base/hdf5/handle.h"

namespace reprise::hdf5 {

struct DiskState {
  int error = 0;  ///< errno of the first write that failed
};

/// Files created with `access` report to `state`, which must outlive them.
void write_through(const PropertyHandle& access, DiskState& state);

}  // namespace reprise::hdf5
