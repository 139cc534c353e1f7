#include "shadow/decode/registry.h"

#include "shadow/decode/http1_decoder.h"
#include "shadow/decode/http2_decoder.h"
#include "shadow/decode/tls_decoder.h"

namespace loam::decode {

std::span<const Recogniser> recognisers() {
  // Order matters where prefixes overlap: the detector waits for an earlier NeedMore before it takes a later Yes.
  // A line is {Protocol::Foo, matchFoo, makeFooDecoder}, both declared in foo_decoder.h.
  static constexpr Recogniser kAll[] = {
      {Protocol::Tls, matchTls, makeTlsDecoder},
      {Protocol::Http2, matchHttp2, makeHttp2Decoder},
      {Protocol::Http1, matchHttp1, makeHttp1Decoder},
  };
  return kAll;
}

}  // namespace loam::decode
