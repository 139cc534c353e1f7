#include "proxy/http/hpack.h"

#include <gtest/gtest.h>

#include <vector>

namespace loam::http {
namespace {

std::span<const std::uint8_t> bytesOf(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string text(std::span<const HeaderField> fields) {
  std::string joined;
  for (const HeaderField& field : fields) joined.append(field.name).append("=").append(field.value).append(";");
  return joined;
}

TEST(HpackTest, GoesThereAndBackWithItsTable) {
  HpackDeflater deflater;
  HpackInflater inflater;
  const HeaderField fields[] = {{":method", "GET"}, {":path", "/a"}, {"x-long-name", "some value"}, {"empty", ""}};
  std::size_t first = 0;
  for (int round = 0; round < 5; ++round) {
    std::string block;
    deflater.deflate(fields, block);
    ASSERT_EQ(inflater.inflate(bytesOf(block)), HpackFault::None);
    EXPECT_EQ(text(inflater.fields()), ":method=GET;:path=/a;x-long-name=some value;empty=;");
    inflater.release();
    if (round == 0) first = block.size();
    EXPECT_TRUE(round == 0 || block.size() < first / 3);
  }
}

TEST(HpackTest, DecodesTheExamplesOfRfc7541) {
  // Appendix C.4.1 and C.4.2: requests with Huffman coding.
  const std::string first("\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff", 17);
  const std::string second("\x82\x86\x84\xbe\x58\x86\xa8\xeb\x10\x64\x9c\xbf", 12);
  HpackInflater inflater;
  ASSERT_EQ(inflater.inflate(bytesOf(first)), HpackFault::None);
  EXPECT_EQ(text(inflater.fields()), ":method=GET;:scheme=http;:path=/;:authority=www.example.com;");
  ASSERT_EQ(inflater.inflate(bytesOf(second)), HpackFault::None);
  EXPECT_EQ(text(inflater.fields()),
            ":method=GET;:scheme=http;:path=/;:authority=www.example.com;cache-control=no-cache;");
}

TEST(HpackTest, B9_BombsAreCountedWhileDecodingAndTheTableStaysInStep) {
  HpackDeflater deflater;
  HpackInflater inflater(64 * 1024);
  const std::string large(3000, 'v');
  const HeaderField fields[] = {{"x-large", large}};
  std::string block;
  deflater.deflate(fields, block);
  std::string bomb = block + std::string(1000, '\xbe');
  EXPECT_EQ(inflater.inflate(bytesOf(bomb)), HpackFault::TooLarge);
  ASSERT_EQ(inflater.inflate(bytesOf(std::string(1, '\xbe'))), HpackFault::None);
  EXPECT_EQ(inflater.fields()[0].value, large);
}

TEST(HpackTest, B9_BrokenBlocksAreCompressionErrors) {
  for (const std::string& block :
       {std::string("\xff\xff\xff\xff\xff\xff\xff\xff", 8), std::string("\x80", 1), std::string("\xfe", 1),
        std::string("\x3f\xe1\xff\x03", 4), std::string("\x40\x01", 2)}) {
    HpackInflater inflater;
    EXPECT_EQ(inflater.inflate(bytesOf(block)), HpackFault::Compression);
  }
}

TEST(HpackTest, TakesTableChangesWithinWhatWasAllowed) {
  HpackDeflater deflater(65536);
  deflater.resizeTable(65536);
  HpackInflater inflater;
  inflater.allowTable(65536);
  for (int round = 0; round < 300; ++round) {
    const std::string value = std::string(200, 'x') + std::to_string(round % 150);
    const HeaderField fields[] = {{"key", value}};
    std::string block;
    if (round == 100) deflater.resizeTable(128);
    if (round == 200) deflater.resizeTable(65536);
    deflater.deflate(fields, block);
    ASSERT_EQ(inflater.inflate(bytesOf(block)), HpackFault::None) << round;
    EXPECT_EQ(inflater.fields()[0].value, value);
  }
}

}  // namespace
}  // namespace loam::http
