#include "base/comm/mpi_communicator.h"
#include "tests/comm/contract.h"
#include "tests/support/test_comm.h"

namespace reprise {
namespace {

const SubjectCase kSelf{"self", [] { return host_subject(make_self_communicator()); }, ""};
const SubjectCase kMpi{"mpi", [] { return host_subject(test_comm().duplicate()); }, ""};
// So small a limit makes ordinary buffers take the road of those beyond 2^31 elements.
const SubjectCase kMpiInPieces{
    "mpi", [] { return host_subject(std::make_unique<MpiCommunicator>(MPI_COMM_WORLD, 7)); }, ""};

INSTANTIATE_TEST_SUITE_P(Self, CommunicatorContract, testing::Values(kSelf));
INSTANTIATE_TEST_SUITE_P(Mpi, CommunicatorContract, testing::Values(kMpi));
INSTANTIATE_TEST_SUITE_P(MpiInPieces, CommunicatorContract, testing::Values(kMpiInPieces));

}  // namespace
}  // namespace reprise
