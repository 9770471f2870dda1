# Every library of the project, found once. libtorch is described here and not by find_package(Torch), which asks for
# a CUDA toolkit even in a CPU build.

find_package(Threads REQUIRED)
find_package(MPI REQUIRED COMPONENTS C)
set(HDF5_PREFER_PARALLEL ON)
find_package(HDF5 REQUIRED COMPONENTS C HL)
find_package(Boost 1.74 REQUIRED COMPONENTS program_options)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(LibLZMA REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(brotli REQUIRED IMPORTED_TARGET libbrotlienc libbrotlidec)
pkg_check_modules(sentencepiece REQUIRED IMPORTED_TARGET sentencepiece)

add_library(reprise::hdf5 INTERFACE IMPORTED)
target_include_directories(reprise::hdf5 SYSTEM INTERFACE ${HDF5_INCLUDE_DIRS})
target_link_libraries(reprise::hdf5 INTERFACE ${HDF5_HL_LIBRARIES} ${HDF5_LIBRARIES} MPI::MPI_C)

if(REPRISE_FUZZ)  # nothing it builds sees libtorch
  return()
endif()

set(torch_dir "${REPRISE_DEPS_DIR}/torch")
if(NOT EXISTS "${torch_dir}/lib/libtorch_cpu.so")
  message(FATAL_ERROR "libtorch is not in ${REPRISE_DEPS_DIR}: run scripts/setup first")
endif()
set(torch_runtime_dirs "${torch_dir}/lib")
file(GLOB wheel_lib_dirs LIST_DIRECTORIES true "${REPRISE_DEPS_DIR}/nvidia/*/lib")
list(APPEND torch_runtime_dirs ${wheel_lib_dirs})

add_library(reprise::torch INTERFACE IMPORTED)
target_include_directories(reprise::torch SYSTEM INTERFACE
    "${torch_dir}/include" "${torch_dir}/include/torch/csrc/api/include")
target_link_libraries(reprise::torch INTERFACE
    "${torch_dir}/lib/libtorch_cpu.so" "${torch_dir}/lib/libc10.so" Threads::Threads)
# libtorch_cpu.so names CUDA's runtime and profiler, which only the loader has to find.
target_link_options(reprise::torch INTERFACE -Wl,--allow-shlib-undefined)
list(APPEND CMAKE_BUILD_RPATH ${torch_runtime_dirs})
list(APPEND CMAKE_INSTALL_RPATH ${torch_runtime_dirs})

if(REPRISE_CUDA)
  include(Cuda)
endif()
