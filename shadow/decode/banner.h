#pragma once

#include "shadow/decode/registry.h"

namespace loam::decode {

// Protocols that Loam knows by name only: their connections and bytes are counted, no exchanges. Each looks at the
// first bytes of whoever spoke first and would rather say No than be wrong, since an opaque connection is still a good
// one.

/// "SSH-2.0-..." of either side.
Match matchSsh(Direction first, std::span<const std::uint8_t> bytes, const DecoderContext& context);
/// A server's "220 " whose first line says SMTP; FTP greets with 220 too.
Match matchSmtp(Direction first, std::span<const std::uint8_t> bytes, const DecoderContext& context);
/// A client's BindRequest or StartTLS.
Match matchLdap(Direction first, std::span<const std::uint8_t> bytes, const DecoderContext& context);
/// A client's ApiVersions, Metadata or SaslHandshake, which come before everything else.
Match matchKafka(Direction first, std::span<const std::uint8_t> bytes, const DecoderContext& context);
/// A client's protocol header, 0-8 to 1.0.
Match matchAmqp(Direction first, std::span<const std::uint8_t> bytes, const DecoderContext& context);
/// A client's OP_MSG, or OP_QUERY of a command.
Match matchMongodb(Direction first, std::span<const std::uint8_t> bytes, const DecoderContext& context);

}  // namespace loam::decode
