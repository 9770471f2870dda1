#include "base/hdf5/column.h"

#include <hdf5_hl.h>

#include <algorithm>
#include <type_traits>

namespace reprise::hdf5 {
namespace {

/// The element type in the file; numbers are little-endian as in memory, so nothing is converted.
template <class T>
TypeHandle element_type([[maybe_unused]] int64_t width) {
  hid_t type = H5I_INVALID_HID;
  if constexpr (std::is_same_v<T, std::string>) return text_type(static_cast<size_t>(width));
  if constexpr (std::is_same_v<T, uint8_t>) type = H5T_STD_U8LE;
  if constexpr (std::is_same_v<T, uint16_t>) type = H5T_STD_U16LE;
  if constexpr (std::is_same_v<T, uint32_t>) type = H5T_STD_U32LE;
  if constexpr (std::is_same_v<T, uint64_t>) type = H5T_STD_U64LE;
  if constexpr (std::is_same_v<T, int64_t>) type = H5T_STD_I64LE;
  if constexpr (std::is_same_v<T, float>) type = H5T_IEEE_F32LE;
  if constexpr (std::is_same_v<T, double>) type = H5T_IEEE_F64LE;
  return TypeHandle(check(H5Tcopy(type), ExitCode::kFailure, "HDF5 element type"));
}

/// The layout of a column: chunks, filters, no time stamps.
PropertyHandle creation_list(const ColumnOptions& options) {
  PropertyHandle list(
      check(H5Pcreate(H5P_DATASET_CREATE), ExitCode::kFailure, "HDF5 property list"));
  const hsize_t chunk = kChunkElements;
  check(H5Pset_chunk(list.get(), 1, &chunk), ExitCode::kFailure, "HDF5 chunks");
  check(H5Pset_shuffle(list.get()), ExitCode::kFailure, "HDF5 shuffle filter");
  check(H5Pset_deflate(list.get(), 1), ExitCode::kFailure, "HDF5 deflate filter");
  if (options.checksum)
    check(H5Pset_fletcher32(list.get()), ExitCode::kFailure, "HDF5 checksum filter");
  check(H5Pset_obj_track_times(list.get(), false), ExitCode::kFailure, "HDF5 time stamps");
  return list;
}

/// A cache with room for two chunks: a chunk that is filled by several blocks must not be
/// compressed for each.
PropertyHandle access_list(const TypeHandle& type) {
  constexpr size_t kSlots = 521;
  PropertyHandle list(
      check(H5Pcreate(H5P_DATASET_ACCESS), ExitCode::kFailure, "HDF5 property list"));
  const size_t bytes = 2 * kChunkElements * H5Tget_size(type.get());
  check(H5Pset_chunk_cache(list.get(), kSlots, bytes, 1.0), ExitCode::kFailure, "HDF5 chunk cache");
  return list;
}

SpaceHandle line(hsize_t size, hsize_t most) {
  return SpaceHandle(
      check(H5Screate_simple(1, &size, &most), ExitCode::kFailure, "HDF5 dataspace"));
}

/// Elements [first, first + count) of the column's extent.
SpaceHandle range_of(const Node& column, int64_t first, int64_t count) {
  SpaceHandle space(
      check(H5Dget_space(column.id()), ExitCode::kBadInput, column.place(), ": no extent"));
  const hsize_t start = static_cast<hsize_t>(first), length = static_cast<hsize_t>(count);
  check(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, &start, nullptr, &length, nullptr),
        ExitCode::kFailure, column.place(), ": cannot select a range");
  return space;
}

TypeHandle stored_type(const Node& column) {
  return TypeHandle(
      check(H5Dget_type(column.id()), ExitCode::kBadInput, column.place(), ": no element type"));
}

template <class T>
bool holds(const TypeHandle& type) {
  if constexpr (std::is_same_v<T, std::string>)
    return H5Tget_class(type.get()) == H5T_STRING && H5Tis_variable_str(type.get()) == 0;
  else
    return H5Tequal(type.get(), element_type<T>(0).get()) > 0;
}

/// Texts side by side, each padded with zeros to `width`.
std::string pack_texts(const Node& column, std::span<const std::string> texts, size_t width) {
  std::string packed;
  packed.reserve(texts.size() * width);
  for (const auto& text : texts) {
    require(text.size() <= width, ExitCode::kFailure, column.place(), ": a text of ", text.size(),
            " bytes in a column of ", width);
    packed.append(text).append(width - text.size(), '\0');
  }
  return packed;
}

void unpack_texts(const std::string& packed, size_t width, std::span<std::string> out) {
  for (size_t i = 0; i < out.size(); ++i) {
    const char* text = packed.data() + i * width;
    out[i].assign(text, std::find(text, text + width, '\0'));
  }
}

}  // namespace

template <class T>
Column<T> Column<T>::create(const Group& group, const std::string& name,
                            const ColumnOptions& options) {
  require(!std::is_same_v<T, std::string> || options.width > 0, ExitCode::kFailure, group.place(),
          ": the column ", name, " of texts has no width");
  const TypeHandle type = element_type<T>(options.width);
  const PropertyHandle creation = creation_list(options), access = access_list(type);
  const SpaceHandle space = line(0, H5S_UNLIMITED);
  Column column(check(H5Dcreate2(group.id(), name.c_str(), type.get(), space.get(), H5P_DEFAULT,
                                 creation.get(), access.get()),
                      ExitCode::kFailure, group.place(), ": cannot create the column ", name));
  column.set("units", options.units);
  column.set("long_name", options.long_name);
  return column;
}

template <class T>
Column<T> Column<T>::open(const Group& group, const std::string& name) {
  require(group.contains(name), ExitCode::kBadInput, group.place(), ": no column ", name);
  const ObjectHandle plain(check(H5Dopen2(group.id(), name.c_str(), H5P_DEFAULT),
                                 ExitCode::kBadInput, group.place(), ": cannot open the column ",
                                 name));
  const TypeHandle type(H5Dget_type(plain.get()));
  const PropertyHandle access = access_list(type);
  Column column(check(H5Dopen2(group.id(), name.c_str(), access.get()), ExitCode::kBadInput,
                      group.place(), ": cannot open the column ", name));
  const SpaceHandle space(H5Dget_space(column.id()));
  require(H5Sget_simple_extent_ndims(space.get()) == 1, ExitCode::kBadInput, column.place(),
          ": not one-dimensional");
  require(holds<T>(type), ExitCode::kBadInput, column.place(), ": holds elements of another type");
  return column;
}

template <class T>
int64_t Column<T>::size() const {
  const SpaceHandle space(H5Dget_space(id()));
  return check(H5Sget_simple_extent_npoints(space.get()), ExitCode::kBadInput, place(),
               ": no extent");
}

template <class T>
void Column<T>::append(std::span<const T> values) {
  if (values.empty()) return;
  const int64_t first = size(), count = static_cast<int64_t>(values.size());
  const TypeHandle type = stored_type(*this);
  const void* data = values.data();
  std::string packed;
  if constexpr (std::is_same_v<T, std::string>) {
    packed = pack_texts(*this, values, H5Tget_size(type.get()));
    data = packed.data();
  }
  const hsize_t grown = static_cast<hsize_t>(first) + static_cast<hsize_t>(count);
  check(H5Dset_extent(id(), &grown), ExitCode::kFailure, place(), ": cannot grow");
  const SpaceHandle memory = line(values.size(), values.size()),
                    range = range_of(*this, first, count);
  check(H5Dwrite(id(), type.get(), memory.get(), range.get(), H5P_DEFAULT, data),
        ExitCode::kFailure, place(), ": cannot write");
}

template <class T>
void Column<T>::read(int64_t first, std::span<T> out) const {
  const int64_t count = static_cast<int64_t>(out.size());
  require(first >= 0 && first + count <= size(), ExitCode::kBadInput, place(), ": elements ", first,
          " to ", first + count, " wanted of ", size());
  if (out.empty()) return;
  const TypeHandle type = stored_type(*this);
  const SpaceHandle memory = line(out.size(), out.size()), range = range_of(*this, first, count);
  const auto read_into = [&](void* data) {
    check(H5Dread(id(), type.get(), memory.get(), range.get(), H5P_DEFAULT, data),
          ExitCode::kBadInput, place(), ": cannot read");
  };
  if constexpr (std::is_same_v<T, std::string>) {
    const size_t width = H5Tget_size(type.get());
    std::string packed(out.size() * width, '\0');
    read_into(packed.data());
    unpack_texts(packed, width, out);
  } else {
    read_into(out.data());
  }
}

template <class T>
std::vector<T> Column<T>::read_all() const {
  std::vector<T> values(static_cast<size_t>(size()));
  read(0, values);
  return values;
}

template class Column<uint8_t>;
template class Column<uint16_t>;
template class Column<uint32_t>;
template class Column<uint64_t>;
template class Column<int64_t>;
template class Column<float>;
template class Column<double>;
template class Column<std::string>;

void make_scale(const Node& column) {
  const std::string place = column.place();
  const std::string name = place.substr(place.rfind('/') + 1);
  check(H5DSset_scale(column.id(), name.c_str()), ExitCode::kFailure, place,
        ": cannot become a dimension scale");
}

void attach_scale(const Node& column, const Node& scale) {
  check(H5DSattach_scale(column.id(), scale.id(), 0), ExitCode::kFailure, column.place(),
        ": cannot take the dimension scale ", scale.place());
}

}  // namespace reprise::hdf5
