#include "eval/stats/quantiles.h"

#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>

namespace reprise {
namespace {

const boost::math::normal kNormal;

}  // namespace

double normal_cdf(double z) { return boost::math::cdf(kNormal, z); }

double normal_quantile(double probability) { return boost::math::quantile(kNormal, probability); }

double student_cdf(double t, double degrees_of_freedom) {
  return boost::math::cdf(boost::math::students_t(degrees_of_freedom), t);
}

double student_quantile(double probability, double degrees_of_freedom) {
  return boost::math::quantile(boost::math::students_t(degrees_of_freedom), probability);
}

}  // namespace reprise
