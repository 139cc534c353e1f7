#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);

/// Plays the seeds of one fuzz target, and every prefix of the short ones; a broken promise aborts.
TEST(LOAM_FUZZ_SUITE, ReplaysItsSeeds) {
  int seeds = 0;
  for (const auto& entry : std::filesystem::directory_iterator(LOAM_FUZZ_SEEDS)) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    const auto* start = reinterpret_cast<const std::uint8_t*>(bytes.data());
    LLVMFuzzerTestOneInput(start, bytes.size());
    const std::size_t stride = 1 + bytes.size() / 200;
    for (std::size_t size = 0; size < bytes.size(); size += stride) LLVMFuzzerTestOneInput(start, size);
    ++seeds;
  }
  EXPECT_GT(seeds, 0);
}
