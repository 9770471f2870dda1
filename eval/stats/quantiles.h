// Distribution functions of the normal and of Student's t, by Boost.Math, kept out of every other
// file because its headers are slow to compile.
#pragma once

namespace reprise {

double normal_cdf(double z);
double normal_quantile(double probability);  ///< probability in (0, 1)

double student_cdf(double t, double degrees_of_freedom);
double student_quantile(double probability, double degrees_of_freedom);  ///< probability in (0, 1)

}  // namespace reprise
