#include "launch/facts.h"

#include <ATen/Version.h>
#include <brotli/encode.h>
#include <lzma.h>
#include <mpi.h>
#include <openssl/crypto.h>
#include <torch/headeronly/version.h>
#include <zstd.h>

#include <boost/version.hpp>

#include "base/format.h"
#include "base/hdf5/handle.h"
#include "base/version.h"

namespace reprise {
namespace {

std::string mpi_version() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING];
  int length = 0;
  MPI_Get_library_version(text, &length);  // one of the few calls allowed before MPI_Init
  const std::string all(text, static_cast<size_t>(length));
  return all.substr(0, all.find(','));
}

std::string brotli_version() {
  const uint32_t version = BrotliEncoderVersion();  // 0xMMMmmmppp
  return concat(version >> 24, '.', (version >> 12) & 0xfff, '.', version & 0xfff);
}

}  // namespace

std::string version_text() {
  return concat("reprise ", version(), " (", build_summary(), ")\n",                 //
                "libtorch   ", TORCH_VERSION, ", ", at::get_cpu_capability(), "\n",  //
                "MPI        ", mpi_version(), "\n",                                  //
                "HDF5       ", hdf5::library_version(), "\n",                        //
                "zstd       ", ZSTD_versionString(), "\n",                           //
                "brotli     ", brotli_version(), "\n",                               //
                "lzma       ", lzma_version_string(), "\n",                          //
                "OpenSSL    ", OpenSSL_version(OPENSSL_VERSION_STRING), "\n",        //
                "Boost      ", BOOST_VERSION / 100000, '.', BOOST_VERSION / 100 % 1000, '.',
                BOOST_VERSION % 100, "\n");
}

}  // namespace reprise
