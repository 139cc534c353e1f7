#pragma once

#include <memory>
#include <string>

#include "proxy/tls/context.h"

namespace loam::tls {

/// A client's side towards servers that go by a name of the DNS or an address, instead of a SPIFFE id: their
/// certificate has to be good for `name` under the authorities of the PEM file `authorities`, or under the host's own
/// where that is empty. `tls12`: servers that are not Loam's and speak no TLS 1.3 are spoken to as well. NotFound and
/// InvalidArgument for a file that is not there or holds none. Reads files.
Result<std::shared_ptr<const Context>> clientOf(const std::string& name, const std::string& authorities,
                                                bool tls12 = false);

/// Whether a certificate is for that name or address, by its alternative names alone.
bool isGoodFor(const Certificate& leaf, const std::string& name);

}  // namespace loam::tls
