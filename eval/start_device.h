// Gets a rank's device ready for passes that are to give the same bits each time.
#pragma once

#include "base/comm/communicator.h"
#include "base/device.h"

namespace reprise {

/// Before the first tensor there. Collective; throws kUsage where a rank has no GPU for itself.
ComputeDevice start_device(DeviceChoice choice, Communicator& comm);

}  // namespace reprise
