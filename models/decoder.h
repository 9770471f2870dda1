// Reading a text as it comes, one token or several at a time, on stored keys: what base_passes()
// and refine() of a Network give for a whole text, whatever the pieces it is read in.
//
//   Decoder decoder(network, sequences, {.rule = KeyRule::kLatest});
//   at::Tensor features_BLD = decoder.step(tokens_BL);   // the coarse readouts of L more tokens
//   features_BLD = decoder.refine(mask_BL);              // of those, refined where the mask is
//   true
//
// Every sequence has read as many tokens. No graph is recorded.
//
// write_back is a rule that only a decoder can follow: the keys of refined positions replace those
// of the last base pass, so that later tokens read them in their base pass too. A text read in one
// piece cannot: its refined keys come after its base passes. So it reads one token at a time.
#pragma once

#include "models/key_store.h"
#include "models/network.h"

namespace reprise {

struct DecodeOptions {
  KeyRule rule = KeyRule::kCoarse;
  CodaRun coda = CodaRun::kAgain;
  int64_t refinements = 1;  ///< passes that refine() may add to a token
  bool write_back = false;  ///< with kLatest and one refinement
};

class Decoder {
 public:
  /// `network` outlives this. Throws kUsage where the options contradict each other or the model.
  Decoder(const Network& network, int64_t sequences, DecodeOptions options);

  /// Reads L >= 1 more tokens of every sequence: their coarse readouts, features_BLD; undefined
  /// with CodaRun::kOnce. Throws kUsage where the text outgrows the model's context.
  at::Tensor step(const at::Tensor& tokens_BL);
  /// One more pass over the tokens of the last step where the mask is true, which it may only be
  /// where it was in the call before: all their readouts now.
  at::Tensor refine(const at::Tensor& mask_BL);
  /// CodaRun::kOnce: ends the tokens of the last step. Their readouts.
  at::Tensor finish();

  int64_t length() const { return length_; }  ///< tokens read of every sequence

 private:
  struct RefinementStores {
    LayerStores core, coda;
    std::vector<int64_t> refined_B;  ///< rows of each sequence, where stores hold those alone
  };
  /// The tokens of the last step.
  struct Piece {
    int64_t length = 0;
    int64_t refinements = 0;  ///< done
    at::Tensor mask_M;        ///< of the last of them; undefined where there is none
    bool finished = false;
    BasePasses base;  ///< as the last of them left it
    RowSet rows;
    StoredRows all;  ///< where their keys lie in stores of every row
  };

  void begin_piece(const at::Tensor& tokens_BL);
  at::Tensor run_refinement(const at::Tensor& rows_M);
  void end_piece();
  LayerStores& coda_of(int64_t pass);

  const Network& network_;
  DecodeOptions options_;
  KeyStoreShape shape_;
  int64_t length_ = 0;
  LayerStores prelude_;
  std::vector<LayerStores> core_;  ///< of every base pass
  std::vector<LayerStores> coda_;  ///< of every readout: one, or with Readout::kSum each pass's
  std::vector<RefinementStores> refined_;
  Piece piece_;
};

}  // namespace reprise
