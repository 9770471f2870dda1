// HDF5 identifiers that close themselves, and the one check every HDF5 call goes through.
//
// Debian's library is not thread safe: one thread of a process makes every HDF5 call. The library's
// own printing of errors is switched off; check() turns its error stack into the end of our one
// line.
#pragma once

#include <hdf5.h>

#include <string>
#include <utility>

#include "base/error.h"

namespace reprise::hdf5 {

/// An identifier and the call that closes it. Move-only. The destructor cannot report;
/// File::close() can.
template <herr_t (*kClose)(hid_t)>
class Handle {
 public:
  Handle() = default;
  explicit Handle(hid_t id) : id_(id) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    return *this;
  }
  ~Handle() {
    if (id_ >= 0) kClose(id_);
  }
  hid_t get() const { return id_; }
  hid_t release() { return std::exchange(id_, H5I_INVALID_HID); }

 private:
  hid_t id_ = H5I_INVALID_HID;
};

using FileHandle = Handle<H5Fclose>;
using ObjectHandle = Handle<H5Oclose>;  ///< a group or a dataset
using AttributeHandle = Handle<H5Aclose>;
using SpaceHandle = Handle<H5Sclose>;
using TypeHandle = Handle<H5Tclose>;
using PropertyHandle = Handle<H5Pclose>;

/// What went wrong last, in the library's words and in one line; clears its error stack.
std::string last_error();

/// Switches off the library's printing; every File does it first.
void silence();

/// Of the library this program runs with: "1.10.8".
std::string library_version();

/// `result` where it is no error (negative); otherwise throws with the parts and last_error()
/// behind them.
template <class Result, class... Parts>
Result check(Result result, ExitCode code, const Parts&... parts) {
  if (result < 0) [[unlikely]]
    fail(code, parts..., ": ", last_error());
  return result;
}

}  // namespace reprise::hdf5
