// The conveniences over any communicator, on MPI.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/comm/mpi.h"
#include "base/comm/mpi_communicator.h"
#include "base/error.h"
#include "tests/support/test_comm.h"

namespace reprise {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

/// What `call` throws, or "".
template <class Call>
std::string message_of(ExitCode code, const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code);
    return error.what();
  }
  return "";
}

TEST(Agreement, SumsAndAny) {
  Communicator& comm = test_comm();
  const int ranks = comm.size();
  EXPECT_EQ(sum_over_ranks(comm, int64_t{comm.rank()} + 1), ranks * (ranks + 1) / 2);
  EXPECT_EQ(sum_over_ranks(comm, 0.25), 0.25 * ranks);
  EXPECT_TRUE(any_rank(comm, comm.rank() == ranks - 1));
  EXPECT_FALSE(any_rank(comm, false));
}

TEST(Agreement, GathersTextsOfDifferentLengths) {
  Communicator& comm = test_comm();
  const auto text_of = [](int rank) { return std::string(static_cast<size_t>(rank) * 3, 'a'); };
  const std::vector<std::string> texts = gather_texts(comm, text_of(comm.rank()));
  ASSERT_EQ(texts.size(), static_cast<size_t>(comm.size()));
  for (int rank = 0; rank < comm.size(); ++rank)
    EXPECT_EQ(texts[static_cast<size_t>(rank)], text_of(rank));
  EXPECT_THAT(gather_texts(comm, ""), testing::Each(""));
  EXPECT_THAT(gather_texts(comm, std::string("\0x", 2)), testing::Each(std::string("\0x", 2)));
}

TEST(Agreement, BroadcastsTextOfAnyRoot) {
  Communicator& comm = test_comm();
  const int last = comm.size() - 1;
  const std::string mine = concat("from ", comm.rank());
  EXPECT_EQ(broadcast_text(comm, mine), "from 0");
  EXPECT_EQ(broadcast_text(comm, comm.rank() == last ? "a longer text" : "", last),
            "a longer text");
}

TEST(Agreement, AnErrorOfAnyRankIsThrownOnAll) {
  Communicator& comm = test_comm();
  const int last = comm.size() - 1;
  const std::string message = message_of(ExitCode::kBadInput, [&] {
    together(comm, [&] { require(comm.rank() != last, ExitCode::kBadInput, "a damaged shard"); });
  });
  EXPECT_EQ(message, concat(last == 0 ? "" : concat("rank ", last, ": "), "a damaged shard"));
  EXPECT_EQ(message_of(ExitCode::kFailure, [&] { together(comm, [] {}); }), "");
}

TEST(Agreement, NamesTheRanksThatDiffer) {
  Communicator& comm = test_comm();
  require_agreement(comm, "the weather", "fine");
  // Odd ranks differ; every rank throws the same.
  const std::string message = message_of(ExitCode::kUsage, [&] {
    require_agreement(comm, "the weather", comm.rank() % 2 ? "rain" : "fine");
  });
  const std::string start = "ranks disagree about the weather: rank 0 differs from rank 1";
  const std::map<int, std::string> expected{{1, ""}, {2, start + ";"}, {4, start + ", rank 3;"}};
  EXPECT_THAT(message, StartsWith(expected.at(comm.size())));
}

TEST(Mpi, AFailingCallNamesItselfAndTheRank) {
  MpiCommunicator comm(MPI_COMM_WORLD);
  float value = 0;
  const std::string message =
      message_of(ExitCode::kFailure, [&] { comm.broadcast(Buffer::of(&value, 1), comm.size()); });
  EXPECT_THAT(message, HasSubstr(concat("MPI_Bcast failed on rank ", comm.rank())));
  EXPECT_THAT(message, HasSubstr("MPI_ERR_ROOT"));
}

TEST(Mpi, KnowsThatALauncherStartedIt) { EXPECT_TRUE(started_by_mpi_launcher()); }

}  // namespace
}  // namespace reprise
