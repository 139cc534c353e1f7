#pragma once

namespace loam::tls {

/// OpenSSL takes and gives back a buffer of a whole record for each read and write, since idle connections are to hold
/// none: from now on each thread keeps a few of them for the next one. Spares a sixth of what OpenSSL costs a small
/// exchange, most of it the allocator's tidying up behind each. Of the whole program, before it first uses OpenSSL;
/// later nothing happens. Any thread.
void keepRecordBuffers();

}  // namespace loam::tls
