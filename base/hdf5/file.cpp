#include "base/hdf5/file.h"

#include <algorithm>
#include <cerrno>

namespace reprise::hdf5 {
namespace {

/// A list for creating files or groups: no time stamps, members listed in the order they were made.
PropertyHandle reproducible(hid_t list_class) {
  PropertyHandle list(check(H5Pcreate(list_class), ExitCode::kFailure, "HDF5 property list"));
  check(H5Pset_obj_track_times(list.get(), false), ExitCode::kFailure, "HDF5 time stamps");
  check(H5Pset_link_creation_order(list.get(), H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED),
        ExitCode::kFailure, "HDF5 creation order");
  return list;
}

/// Closing a file closes what is open in it: a column that outlives its file cannot keep the file
/// open.
PropertyHandle closing_all() {
  PropertyHandle list(check(H5Pcreate(H5P_FILE_ACCESS), ExitCode::kFailure, "HDF5 property list"));
  check(H5Pset_fclose_degree(list.get(), H5F_CLOSE_STRONG), ExitCode::kFailure,
        "HDF5 close degree");
  return list;
}

SpaceHandle scalar_space() {
  return SpaceHandle(check(H5Screate(H5S_SCALAR), ExitCode::kFailure, "HDF5 dataspace"));
}

void write_attribute(const Node& node, const std::string& name, hid_t type,
                     const SpaceHandle& space, const void* data) {
  const AttributeHandle attribute(
      check(H5Acreate2(node.id(), name.c_str(), type, space.get(), H5P_DEFAULT, H5P_DEFAULT),
            ExitCode::kFailure, node.place(), ": cannot create the attribute ", name));
  check(H5Awrite(attribute.get(), type, data), ExitCode::kFailure, node.place(),
        ": cannot write the attribute ", name);
}

AttributeHandle open_attribute(const Node& node, const std::string& name) {
  return AttributeHandle(check(H5Aopen(node.id(), name.c_str(), H5P_DEFAULT), ExitCode::kBadInput,
                               node.place(), ": no attribute ", name));
}

/// Reads one number of exactly the type it was written with.
template <class Number>
Number read_number(const Node& node, const std::string& name, hid_t type) {
  const AttributeHandle attribute = open_attribute(node, name);
  const TypeHandle stored(H5Aget_type(attribute.get()));
  const SpaceHandle space(H5Aget_space(attribute.get()));
  require(H5Tequal(stored.get(), type) > 0 && H5Sget_simple_extent_npoints(space.get()) == 1,
          ExitCode::kBadInput, node.place(), ": the attribute ", name, " is of another type");
  Number value{};
  check(H5Aread(attribute.get(), type, &value), ExitCode::kBadInput, node.place(),
        ": cannot read the attribute ", name);
  return value;
}

std::string cut_padding(const char* text, size_t width) {
  return std::string(text, std::find(text, text + width, '\0'));
}

}  // namespace

TypeHandle text_type(size_t width) {
  TypeHandle type(check(H5Tcopy(H5T_C_S1), ExitCode::kFailure, "HDF5 text type"));
  check(H5Tset_size(type.get(), std::max<size_t>(width, 1)), ExitCode::kFailure, "HDF5 text type");
  check(H5Tset_strpad(type.get(), H5T_STR_NULLPAD), ExitCode::kFailure, "HDF5 text type");
  check(H5Tset_cset(type.get(), H5T_CSET_UTF8), ExitCode::kFailure, "HDF5 text type");
  return type;
}

std::string Node::place() const {
  char file[1024] = "", object[1024] = "";
  H5Fget_name(id(), file, sizeof file);
  H5Iget_name(id(), object, sizeof object);
  return concat(file, ':', object);
}

void Node::set(const std::string& name, std::string_view text) {
  const TypeHandle type = text_type(text.size());
  const std::string padded = text.empty() ? std::string(1, '\0') : std::string(text);
  write_attribute(*this, name, type.get(), scalar_space(), padded.data());
}

void Node::set(const std::string& name, int64_t value) {
  write_attribute(*this, name, H5T_STD_I64LE, scalar_space(), &value);
}

void Node::set(const std::string& name, double value) {
  write_attribute(*this, name, H5T_IEEE_F64LE, scalar_space(), &value);
}

void Node::set(const std::string& name, const std::vector<std::string>& texts) {
  require(!texts.empty(), ExitCode::kFailure, place(), ": the attribute ", name, " has no values");
  const size_t width = std::max<size_t>(1, std::ranges::max(texts, {}, &std::string::size).size());
  std::string packed;
  for (const auto& text : texts) packed.append(text).append(width - text.size(), '\0');
  const hsize_t count = texts.size();
  const SpaceHandle space(
      check(H5Screate_simple(1, &count, nullptr), ExitCode::kFailure, "HDF5 dataspace"));
  write_attribute(*this, name, text_type(width).get(), space, packed.data());
}

bool Node::has(const std::string& name) const {
  return check(H5Aexists(id(), name.c_str()), ExitCode::kBadInput, place(), ": cannot look up ",
               name) > 0;
}

int64_t Node::get_int(const std::string& name) const {
  return read_number<int64_t>(*this, name, H5T_STD_I64LE);
}

double Node::get_double(const std::string& name) const {
  return read_number<double>(*this, name, H5T_IEEE_F64LE);
}

std::string Node::get_string(const std::string& name) const {
  const auto texts = get_strings(name);
  require(texts.size() == 1, ExitCode::kBadInput, place(), ": the attribute ", name,
          " holds several values");
  return texts[0];
}

std::vector<std::string> Node::get_strings(const std::string& name) const {
  const AttributeHandle attribute = open_attribute(*this, name);
  const TypeHandle type(H5Aget_type(attribute.get()));
  const SpaceHandle space(H5Aget_space(attribute.get()));
  require(H5Tget_class(type.get()) == H5T_STRING && H5Tis_variable_str(type.get()) == 0,
          ExitCode::kBadInput, place(), ": the attribute ", name, " is not text of fixed length");
  const size_t width = H5Tget_size(type.get());
  const auto count =
      static_cast<size_t>(std::max<hssize_t>(0, H5Sget_simple_extent_npoints(space.get())));
  std::string packed(width * count, '\0');
  check(H5Aread(attribute.get(), type.get(), packed.data()), ExitCode::kBadInput, place(),
        ": cannot read the attribute ", name);
  std::vector<std::string> texts;
  for (size_t i = 0; i < count; ++i) texts.push_back(cut_padding(packed.data() + i * width, width));
  return texts;
}

Group Group::create_group(const std::string& name) const {
  const PropertyHandle list = reproducible(H5P_GROUP_CREATE);
  return Group(check(H5Gcreate2(id(), name.c_str(), H5P_DEFAULT, list.get(), H5P_DEFAULT),
                     ExitCode::kFailure, place(), ": cannot create the group ", name));
}

Group Group::open_group(const std::string& name) const {
  require(contains(name), ExitCode::kBadInput, place(), ": no group ", name);
  return Group(check(H5Gopen2(id(), name.c_str(), H5P_DEFAULT), ExitCode::kBadInput, place(),
                     ": cannot open the group ", name));
}

bool Group::contains(const std::string& name) const {
  return check(H5Lexists(id(), name.c_str(), H5P_DEFAULT), ExitCode::kBadInput, place(),
               ": cannot look up ", name) > 0;
}

File::File(std::unique_ptr<DiskState> disk, FileHandle file, hid_t root, std::string path)
    : Group(root), disk_(std::move(disk)), file_(std::move(file)), path_(std::move(path)) {}

File File::create(const std::filesystem::path& path) {
  silence();
  auto disk = std::make_unique<DiskState>();
  const PropertyHandle creation = reproducible(H5P_FILE_CREATE), access = closing_all();
  write_through(access, *disk);
  errno = 0;
  const hid_t id = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.get(), access.get());
  if (id < 0 && errno != 0) fail_errno(ExitCode::kFailure, concat("cannot create ", path.string()));
  FileHandle file(check(id, ExitCode::kFailure, "cannot create ", path.string()));
  const hid_t root = check(H5Gopen2(file.get(), "/", H5P_DEFAULT), ExitCode::kFailure,
                           "cannot create ", path.string());
  return File(std::move(disk), std::move(file), root, path.string());
}

File File::open(const std::filesystem::path& path) {
  silence();
  require(std::filesystem::exists(path), ExitCode::kBadInput, "cannot open ", path.string(),
          ": no such file");
  const PropertyHandle access = closing_all();
  FileHandle file(check(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get()), ExitCode::kBadInput,
                        path.string(), ": not a readable HDF5 file"));
  const hid_t root = check(H5Gopen2(file.get(), "/", H5P_DEFAULT), ExitCode::kBadInput,
                           path.string(), ": not a readable HDF5 file");
  return File(nullptr, std::move(file), root, path.string());
}

void File::require_written() const {
  if (!disk_ || disk_->error == 0) return;
  errno = disk_->error;
  fail_errno(ExitCode::kFailure, concat("cannot write ", path_));
}

void File::flush() {
  check(H5Fflush(file_.get(), H5F_SCOPE_GLOBAL), ExitCode::kFailure, "cannot write ", path_);
  require_written();
}

void File::close() {
  object_ = ObjectHandle();
  check(H5Fclose(file_.release()), ExitCode::kFailure, "cannot close ", path_);
  require_written();
}

}  // namespace reprise::hdf5
