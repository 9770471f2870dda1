#include "base/comm/communicator.h"

#include <algorithm>

#include "base/error.h"

namespace reprise {

int64_t size_of(Element element) {
  switch (element) {
    case Element::kByte:
      return 1;
    case Element::kFloat32:
      return 4;
    case Element::kInt64:
    case Element::kFloat64:
      return 8;
  }
  fail(ExitCode::kFailure, "no such element type: ", static_cast<int>(element));
}

double sum_over_ranks(Communicator& comm, double value) {
  comm.all_reduce(Buffer::of(&value, 1), Reduction::kSum);
  return value;
}

int64_t sum_over_ranks(Communicator& comm, int64_t value) {
  comm.all_reduce(Buffer::of(&value, 1), Reduction::kSum);
  return value;
}

bool any_rank(Communicator& comm, bool value) {
  uint8_t any = value;
  comm.all_reduce(Buffer::of(&any, 1), Reduction::kMax);
  return any != 0;
}

namespace {

Buffer bytes_of(std::string& text) {
  return {text.data(), static_cast<int64_t>(text.size()), Element::kByte};
}

}  // namespace

std::string broadcast_text(Communicator& comm, std::string text, int root) {
  auto length = static_cast<int64_t>(text.size());
  comm.broadcast(Buffer::of(&length, 1), root);
  text.resize(static_cast<size_t>(length));
  comm.broadcast(bytes_of(text), root);
  return text;
}

std::vector<std::string> gather_texts(Communicator& comm, const std::string& mine) {
  auto length = static_cast<int64_t>(mine.size());
  std::vector<int64_t> lengths(static_cast<size_t>(comm.size()));
  comm.all_gather(Buffer::of(&length, 1), lengths.data());

  // Every rank sends as much as the longest: texts here are names and messages, not data.
  const auto longest = static_cast<size_t>(*std::max_element(lengths.begin(), lengths.end()));
  std::string padded = mine;
  padded.resize(longest);
  std::string all(longest * lengths.size(), '\0');
  comm.all_gather(bytes_of(padded), all.data());

  std::vector<std::string> texts;
  for (size_t rank = 0; rank < lengths.size(); ++rank)
    texts.push_back(all.substr(rank * longest, static_cast<size_t>(lengths[rank])));
  return texts;
}

void together(Communicator& comm, const std::function<void()>& work) {
  std::string mine;  // "<code> <message>"
  try {
    work();
  } catch (const Error& error) {
    mine = concat(static_cast<int>(error.code()), ' ', error.what());
  }
  const std::vector<std::string> errors = gather_texts(comm, mine);
  for (size_t rank = 0; rank < errors.size(); ++rank) {
    if (errors[rank].empty()) continue;
    const size_t space = errors[rank].find(' ');
    fail(static_cast<ExitCode>(std::stoi(errors[rank])),
         rank == 0 ? "" : concat("rank ", rank, ": "), errors[rank].substr(space + 1));
  }
}

void require_agreement(Communicator& comm, std::string_view what, const std::string& mine) {
  const std::vector<std::string> texts = gather_texts(comm, mine);
  std::string differing;
  for (size_t rank = 1; rank < texts.size(); ++rank)
    if (texts[rank] != texts[0]) differing += concat(differing.empty() ? "" : ", ", "rank ", rank);
  require(differing.empty(), ExitCode::kUsage, "ranks disagree about ", what,
          ": rank 0 differs from ", differing,
          "; start every rank with the same command and files");
}

}  // namespace reprise
