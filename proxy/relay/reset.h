#pragma once

#include "proxy/io/socket.h"
#include "proxy/io/task.h"

namespace loam::relay {

/// Makes the close of `socket` a reset (SO_LINGER 0) instead of an end.
void closeByReset(const io::Socket& socket);

/// The same once the peer has acknowledged everything that was written: a reset must not overtake data that we
/// accepted. Gives up when the peer takes nothing for kPatience, as a reset that comes straight from the other side
/// would not wait either.
io::Task<void> closeByResetAfterDelivery(io::Socket& socket);

/// Resets the connection now, whatever is under way on it: who relays it sees it broken, as if the peer had reset it.
void cut(io::Socket& socket);

constexpr seconds kPatience{2};

}  // namespace loam::relay
