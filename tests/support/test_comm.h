// The communicator of a test program registered with mpi_test(): all ranks mpirun started.
//
// Every rank runs every test. A test that fails on any rank fails on all of them, and rank 0 prints
// each rank's failures under its number. A rank that fails while others wait for it in a collective
// ends the job a minute later with what it has to say.
#pragma once

#include "base/comm/communicator.h"

namespace reprise {

Communicator& test_comm();

}  // namespace reprise
