// What traces must share, and where they must differ, for a difference between them to say
// something about the models. All throw kInvalidTrace, in one line that names the traces.
#pragma once

#include <vector>

#include "eval/verdict/evidence.h"
#include "models/options.h"

namespace reprise {

/// Refuses traces that were not taken on the same text: corpus, split, tokenizer, slices, and every
/// document.
void require_same_text(const std::vector<Evidence>& traces);

/// Refuses traces where the sizes of the artifacts differ by more than 0.1 % of the largest:
/// the width of the band `reprise pack` fills, within which the comparison is one at equal bytes.
void require_equal_bytes(const std::vector<Evidence>& traces);

/// Refuses traces whose stored options of `reprise eval` differ in anything that decides a
/// prediction: all but paths, whether there was a second pass, how many windows the checks ran on
/// and what a kill may lose.
void require_same_scoring(const std::vector<Evidence>& traces);

/// The arm given as verdict.recurrent runs its core more than once, that given as verdict.static
/// does not.
enum class ArmKind { kLooped, kOnce };
/// Refuses a trace of a model of a family of the other kind, or one that does not say of which.
void require_families(const std::vector<Evidence>& arm, ArmKind kind);

/// Refuses an arm with the same artifact twice: a seed counted twice makes an interval that is too
/// short. (A trace does not store the seed of the training; two trainings with one seed and the
/// same options give the same artifact.)
void require_distinct_artifacts(const std::vector<Evidence>& arm);

}  // namespace reprise
