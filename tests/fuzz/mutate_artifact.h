// Mutations of artifacts that keep checksums and digest right. Without, the checksum in front would
// refuse every mutated file, and what lies behind it (header, directory, coders, quantisers) would
// never be reached.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "models/artifact/container.h"

namespace reprise {

/// Changes `size` bytes at `data` in place, of which there may become `max_size`; returns how many
/// there are then. LLVMFuzzerMutate, or a stand-in.
using MutateBytes = std::function<size_t(uint8_t* data, size_t size, size_t max_size)>;

/// The header and sections of any bytes, as far as they go: lengths that reach beyond the file end
/// with it, checksums are not looked at.
Container split_artifact(std::string_view bytes);

/// The file of `container` with the digest that its sections have, where its header has a place for
/// one; and with right checksums.
std::string join_artifact(Container container);

/// Makes `text` the directory, whatever it is: its section and the header's length of it.
void put_directory(Container& container, const std::string& text);

/// A neighbour of `file`, chosen by `seed`: header, directory, a section or its decoded contents
/// changed, sections dropped, doubled or swapped; now and then bytes of the file, left unrepaired.
std::string mutate_artifact(std::string_view file, size_t max_size, uint64_t seed,
                            const MutateBytes& mutate);

}  // namespace reprise
