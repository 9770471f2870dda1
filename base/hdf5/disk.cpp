#include "base/hdf5/disk.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

namespace reprise::hdf5 {
namespace {

/// The library allocates nothing here and reads `base` only: it comes first.
struct DiskFile {
  H5FD_t base{};
  int fd = -1;
  haddr_t allocated = 0;  ///< end of what the library uses ("eoa")
  haddr_t end = 0;  ///< end of what it has written ("eof"), whether or not it reached the disk
  DiskState* state = nullptr;
};

DiskFile* cast(H5FD_t* file) { return reinterpret_cast<DiskFile*>(file); }
const DiskFile* cast(const H5FD_t* file) { return reinterpret_cast<const DiskFile*>(file); }

void keep_error(DiskFile& file) {
  if (file.state->error == 0) file.state->error = errno;
}

H5FD_t* open_file(const char* name, unsigned, hid_t access, haddr_t) {
  const int fd = ::open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return nullptr;
  auto* file = new DiskFile;
  file->fd = fd;
  file->state = *static_cast<DiskState* const*>(H5Pget_driver_info(access));
  return &file->base;
}

herr_t close_file(H5FD_t* base) {
  DiskFile* file = cast(base);
  if (::close(file->fd) != 0) keep_error(*file);
  delete file;
  return 0;
}

herr_t query(const H5FD_t*, unsigned long* flags) {
  *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
           H5FD_FEAT_AGGREGATE_SMALLDATA | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
  return 0;
}

haddr_t get_allocated(const H5FD_t* file, H5FD_mem_t) { return cast(file)->allocated; }
haddr_t get_end(const H5FD_t* file, H5FD_mem_t) { return cast(file)->end; }

herr_t set_allocated(H5FD_t* file, H5FD_mem_t, haddr_t address) {
  cast(file)->allocated = address;
  return 0;
}

/// What was never written, or did not reach the disk, reads as zeros.
herr_t read_bytes(H5FD_t* base, H5FD_mem_t, hid_t, haddr_t address, size_t size, void* buffer) {
  auto* out = static_cast<char*>(buffer);
  while (size > 0) {
    const ssize_t got = ::pread(cast(base)->fd, out, size, static_cast<off_t>(address));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    out += got;
    address += static_cast<haddr_t>(got);
    size -= static_cast<size_t>(got);
  }
  std::memset(out, 0, size);
  return 0;
}

herr_t write_bytes(H5FD_t* base, H5FD_mem_t, hid_t, haddr_t address, size_t size,
                   const void* buffer) {
  DiskFile& file = *cast(base);
  file.end = std::max(file.end, address + size);
  const auto* in = static_cast<const char*>(buffer);
  while (size > 0 && file.state->error == 0) {
    const ssize_t put = ::pwrite(file.fd, in, size, static_cast<off_t>(address));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) {
      keep_error(file);
      break;
    }
    in += put;
    address += static_cast<haddr_t>(put);
    size -= static_cast<size_t>(put);
  }
  return 0;
}

herr_t set_length(H5FD_t* base, hid_t, hbool_t) {
  DiskFile& file = *cast(base);
  if (file.allocated == file.end) return 0;
  if (file.state->error == 0 && ::ftruncate(file.fd, static_cast<off_t>(file.allocated)) != 0)
    keep_error(file);
  file.end = file.allocated;
  return 0;
}

H5FD_class_t driver_class() {
  H5FD_class_t driver{};
  driver.name = "reprise";
  driver.maxaddr = static_cast<haddr_t>(std::numeric_limits<off_t>::max());
  driver.fc_degree = H5F_CLOSE_STRONG;
  driver.fapl_size = sizeof(DiskState*);
  driver.open = open_file;
  driver.close = close_file;
  driver.query = query;
  driver.get_eoa = get_allocated;
  driver.set_eoa = set_allocated;
  driver.get_eof = get_end;
  driver.read = read_bytes;
  driver.write = write_bytes;
  driver.truncate = set_length;
  constexpr H5FD_mem_t kKinds[] = H5FD_FLMAP_DICHOTOMY;
  std::ranges::copy(kKinds, driver.fl_map);
  return driver;
}

hid_t driver_id() {
  static const H5FD_class_t driver = driver_class();
  static const hid_t id = check(H5FDregister(&driver), ExitCode::kFailure, "HDF5 file driver");
  return id;
}

}  // namespace

void write_through(const PropertyHandle& access, DiskState& state) {
  DiskState* const info = &state;
  check(H5Pset_driver(access.get(), driver_id(), &info), ExitCode::kFailure, "HDF5 file driver");
}

}  // namespace reprise::hdf5
