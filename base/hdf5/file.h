// HDF5 files, groups and attributes, as far as the project needs them.
//
// Order: File::create, groups and columns (base/hdf5/column.h), File::close. Files carry no time
// stamps, so that the same content is the same bytes. A file written here opens with HDF5 1.8 and
// later, h5py, pandas and xarray. One thread makes every call (base/hdf5/handle.h). Errors:
// kBadInput on opening and reading, kFailure on writing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/hdf5/disk.h"
#include "base/hdf5/handle.h"

namespace reprise::hdf5 {

/// A group or a dataset: something with a place in a file that carries attributes. Move-only.
class Node {
 public:
  /// Attributes. Strings are stored in UTF-8 with their own fixed length. An attribute is written
  /// once.
  void set(const std::string& name, std::string_view text);
  void set(const std::string& name, const char* text) { set(name, std::string_view(text)); }
  void set(const std::string& name, int64_t value);
  void set(const std::string& name, double value);
  void set(const std::string& name, const std::vector<std::string>& texts);  ///< at least one

  bool has(const std::string& name) const;
  std::string get_string(const std::string& name) const;
  int64_t get_int(const std::string& name) const;
  double get_double(const std::string& name) const;
  std::vector<std::string> get_strings(const std::string& name) const;

  hid_t id() const { return object_.get(); }
  /// "file.h5:/group/dataset", for messages.
  std::string place() const;

 protected:
  explicit Node(hid_t object) : object_(object) {}
  ObjectHandle object_;
};

class Group : public Node {
 public:
  Group create_group(const std::string& name) const;
  Group open_group(const std::string& name) const;
  bool contains(const std::string& name) const;

 protected:
  using Node::Node;
};

/// A file, and its root group.
class File : public Group {
 public:
  static File create(const std::filesystem::path& path);  ///< replaces what was there
  static File open(const std::filesystem::path& path);    ///< to read

  void flush();
  /// Closes the file with everything still open in it. Only flush() and this report a disk that
  /// filled up: call it after writing. Where it throws, what is on the disk is of no use.
  void close();

 private:
  File(std::unique_ptr<DiskState> disk, FileHandle file, hid_t root, std::string path);
  void require_written() const;
  std::unique_ptr<DiskState> disk_;  ///< of a file that is being written; outlives the handle
  FileHandle file_;
  std::string path_;
};

/// A text type of `width` bytes (at least one), padded with zeros, in UTF-8.
TypeHandle text_type(size_t width);

}  // namespace reprise::hdf5
