#include "shadow/decode/tls_decoder.h"
#include "tests/fuzz/scripted_play.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace loam::decode;
  test::playScript([](DecoderEvents& events) { return makeTlsDecoder(events, DecoderContext()); }, bytes, size);
  return 0;
}
