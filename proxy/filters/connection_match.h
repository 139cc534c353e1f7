#pragma once

#include "proxy/filter/connection_view.h"
#include "proxy/filters/match.h"

namespace loam::filters {

/// Whether the connection is of this source. A name is believed and an identity is proven: neither fits a connection of
/// which nobody knows it. No proxy knows zones yet, so a zone never fits.
bool fits(const Source& source, const filter::ConnectionView& view);

/// Whether the connection fits the members of `match` that a connection tells: sources and ports. What needs an
/// exchange is not looked at.
bool fitsConnection(const Match& match, const filter::ConnectionView& view);

}  // namespace loam::filters
