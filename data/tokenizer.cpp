#include "data/tokenizer.h"

#include <sentencepiece_processor.h>

#include <algorithm>
#include <limits>

#include "base/edit_distance.h"
#include "base/error.h"
#include "base/file.h"

namespace reprise {
namespace {

constexpr std::string_view kSpaceSymbol = "\xE2\x96\x81";  // U+2581
constexpr size_t kMostPieces = size_t{std::numeric_limits<Token>::max()} + 1;

/// What Tokenizer::bytes needs to know of a piece.
struct PieceBytes {
  int64_t bytes = 0;  ///< spaces included
  bool leading_space = false;
  bool boundary = false;  ///< control, unknown or unused: no text
};

std::string with_spaces(std::string_view piece) {
  std::string text;
  for (size_t i = 0; i < piece.size();) {
    const bool space = piece.substr(i, kSpaceSymbol.size()) == kSpaceSymbol;
    text += space ? ' ' : piece[i];
    i += space ? kSpaceSymbol.size() : 1;
  }
  return text;
}

PieceBytes measure(const sentencepiece::SentencePieceProcessor& model, int id) {
  if (model.IsControl(id) || model.IsUnknown(id) || model.IsUnused(id)) return {0, false, true};
  if (model.IsByte(id)) return {1, false, false};
  const std::string text = with_spaces(model.IdToPiece(id));
  return {static_cast<int64_t>(text.size()), text.starts_with(' '), false};
}

/// The fewest bytes to change, for runs short enough to compare them all; else the longer side.
int64_t difference(std::string_view before, std::string_view after) {
  constexpr size_t kMostComparisons = 1'000'000;
  if (before == after) return 0;
  const bool short_enough = before.size() * after.size() <= kMostComparisons;
  return static_cast<int64_t>(short_enough ? edit_distance(before, after)
                                           : std::max(before.size(), after.size()));
}

}  // namespace

struct Tokenizer::State {
  std::string model;
  sentencepiece::SentencePieceProcessor processor;
  std::vector<PieceBytes> pieces;
  bool drops_leading_space =
      false;  ///< decoding takes the first space of a document for the model's own
};

Tokenizer::Tokenizer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Tokenizer Tokenizer::load(const std::filesystem::path& model) {
  return from_bytes(read_file(model), model.string());
}

Tokenizer Tokenizer::from_bytes(std::string model, std::string_view name) {
  auto state = std::make_unique<State>();
  auto& processor = state->processor;
  const auto status = processor.LoadFromSerializedProto(model);
  const size_t pieces = status.ok() ? static_cast<size_t>(processor.GetPieceSize()) : 0;
  require(pieces > 0, ExitCode::kBadInput, name, ": not a SentencePiece model");
  require(pieces <= kMostPieces, ExitCode::kBadInput, name, ": ", pieces,
          " pieces; a token of 16 bits names ", kMostPieces);
  require(processor.bos_id() == kBeginOfDocument, ExitCode::kBadInput, name,
          ": begin-of-document has the id ", processor.bos_id(), "; shards want ",
          kBeginOfDocument);
  state->model = std::move(model);
  for (size_t id = 0; id < pieces; ++id)
    state->pieces.push_back(measure(processor, static_cast<int>(id)));
  // The library has no accessor for the rule, so one piece that starts with a space is asked.
  const auto spaced = std::ranges::find(state->pieces, true, &PieceBytes::leading_space);
  if (spaced != state->pieces.end()) {
    const auto id = static_cast<int>(spaced - state->pieces.begin());
    state->drops_leading_space = !processor.DecodeIds({id}).starts_with(' ');
  }
  return Tokenizer(std::move(state));
}

int64_t Tokenizer::vocab() const { return static_cast<int64_t>(state_->pieces.size()); }

std::vector<Token> Tokenizer::encode(std::string_view text) const {
  const std::vector<int> ids = state_->processor.EncodeAsIds({text.data(), text.size()});
  return {ids.begin(), ids.end()};
}

std::string Tokenizer::decode(std::span<const Token> tokens) const {
  const auto known = [&](Token token) { return token < state_->pieces.size(); };
  require(std::ranges::all_of(tokens, known), ExitCode::kBadInput,
          "a token beyond the tokenizer's ", vocab(), " pieces cannot be decoded");
  return state_->processor.DecodeIds(std::vector<int>(tokens.begin(), tokens.end()));
}

int64_t Tokenizer::bytes(Token token, Token previous) const {
  const PieceBytes& piece = state_->pieces.at(token);
  const bool dropped =
      piece.leading_space && state_->drops_leading_space && state_->pieces.at(previous).boundary;
  return piece.bytes - dropped;
}

int64_t Tokenizer::bytes(std::span<const Token> document) const {
  int64_t sum = 0;
  Token previous = kBeginOfDocument;
  for (const Token token : document) sum += bytes(token, std::exchange(previous, token));
  return sum;
}

std::string Tokenizer::text_of(Token token) const {
  const std::string text = piece(token);
  if (!state_->processor.IsByte(token)) return text;
  return std::string(1, static_cast<char>(std::stoi(text.substr(3, 2), nullptr, 16)));  // <0xNN>
}

int64_t Tokenizer::changed_bytes(std::string_view text) const {
  const auto encoded = state_->processor.EncodeAsImmutableProto({text.data(), text.size()});
  int64_t changed = 0;
  // A run of tokens that are not the text they stand for, one by one: both sides of it. Byte tokens
  // always look so, since a whole character hangs at the last of them.
  std::string before, after;
  const auto close_run = [&] {
    changed += difference(before, after);
    before.clear();
    after.clear();
  };
  size_t end = 0;
  bool own_space =
      state_->drops_leading_space;  // that the model puts before a document and takes away again
  for (const auto& piece : encoded.pieces()) {
    const size_t begin = std::max<size_t>(end, piece.begin());
    before += text.substr(end, begin - end);  // what no token stands for
    end = std::max<size_t>(end, piece.end());
    const auto surface = text.substr(begin, end - begin);
    std::string kept = text_of(static_cast<Token>(piece.id()));
    if (std::exchange(own_space, false) && kept.starts_with(' ')) kept.erase(0, 1);
    if (surface == kept) close_run();
    before += surface;
    after += kept;
    if (surface == kept) close_run();
  }
  before += text.substr(end);
  close_run();
  return changed;
}

std::string Tokenizer::piece(Token token) const {
  require(token < state_->pieces.size(), ExitCode::kBadInput, "no piece ", token, " among ",
          vocab());
  return with_spaces(state_->processor.IdToPiece(token));
}

const std::string& Tokenizer::model_bytes() const { return state_->model; }

std::string Tokenizer::digest() const { return to_hex(sha256(state_->model)); }

}  // namespace reprise
