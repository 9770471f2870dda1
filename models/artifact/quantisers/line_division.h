// The best division of places on a line into neighbourhoods, for every number of neighbourhoods:
// k-means in one dimension, solved exactly.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

namespace reprise {

/// What it costs that places [from, to) are one neighbourhood. Costs are those of distances on a
/// line: of two crossing neighbourhoods and their union and overlap, the crossing ones cost no
/// more.
using NeighbourhoodCost = std::function<double(size_t from, size_t to)>;

/// Divisions of `places` places into 1, 2, ... `most` neighbourhoods by dynamic programming, whose
/// layers are solved by halving (Wang and Song, "Ckmeans.1d.dp", The R Journal, 2011; Grønlund et
/// al., arXiv:1701.07204). Takes most * places * log(places) costs and most * places * 4 bytes.
class LineDivision {
 public:
  LineDivision(size_t places, size_t most, const NeighbourhoodCost& cost);

  /// The first place of each; as many neighbourhoods as `count`, or as there are places.
  std::vector<size_t> firsts(size_t count) const;

 private:
  using Layer = std::vector<unsigned>;  ///< the last neighbourhood's first place, for every end

  size_t places_;
  std::vector<Layer> layers_;
};

}  // namespace reprise
