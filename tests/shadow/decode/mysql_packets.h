#pragma once

#include <cstdint>
#include <string>

namespace loam::decode::testing::my {

inline std::string le(std::uint64_t value, std::size_t width) {
  std::string bytes;
  for (std::size_t i = 0; i < width; ++i) bytes += static_cast<char>(value >> (8 * i));
  return bytes;
}

inline std::string packet(int sequence, const std::string& payload) {
  return le(payload.size(), 3) + static_cast<char>(sequence) + payload;
}

constexpr std::uint64_t kMysql = 1;
constexpr std::uint64_t kCompress = 1u << 5;
constexpr std::uint64_t kProtocol41 = 1u << 9;
constexpr std::uint64_t kSsl = 1u << 11;
constexpr std::uint64_t kDeprecateEof = 1u << 24;
constexpr std::uint64_t kOptionalMetadata = 1u << 25;
constexpr std::uint64_t kCacheMetadata = std::uint64_t{1} << 36;
constexpr std::uint64_t kPlain = kMysql | kProtocol41;

inline std::string greeting(std::uint64_t capabilities) {
  return packet(0, "\x0a" + std::string("8.0.36") + '\0' + le(7, 4) + "scramble" + '\0' + le(capabilities & 0xFFFF, 2) +
                       "\xff" + le(2, 2) + le(capabilities >> 16 & 0xFFFF, 2) + "\x15" + std::string(6, '\0') +
                       le(capabilities >> 32, 4) + "scramblescra" + '\0' + "mysql_native_password" + '\0');
}

inline std::string sslRequest(std::uint64_t capabilities) {
  return packet(1, le(capabilities, 4) + le(1 << 24, 4) + "\xff" + std::string(19, '\0') + le(capabilities >> 32, 4));
}

inline std::string response(std::uint64_t capabilities) {
  return packet(1, sslRequest(capabilities).substr(4) + "ann" + '\0' + '\x14' + std::string(20, 'x') +
                       "mysql_native_password" + '\0');
}

inline std::string ok(int sequence, unsigned status = 2, const std::string& head = std::string(1, '\0')) {
  return packet(sequence, head + '\0' + '\0' + le(status, 2) + le(0, 2));
}
/// What ends rows where EOF is deprecated.
inline std::string okEof(int sequence, unsigned status = 2) { return ok(sequence, status, "\xfe"); }
inline std::string eof(int sequence, unsigned status = 2) {
  return packet(sequence, "\xfe" + le(0, 2) + le(status, 2));
}
inline std::string err(int sequence, unsigned number = 1064, const std::string& state = "42000") {
  return packet(sequence, "\xff" + le(number, 2) + "#" + state + "You have an error");
}

inline std::string command(char code, const std::string& rest = {}) { return packet(0, code + rest); }
inline std::string query(const std::string& sql) { return command('\x03', sql); }
inline std::string prepare() { return command('\x16', "select ?"); }
inline std::string execute() { return command('\x17', std::string("\1\0\0\0\0\1\0\0\0", 9)); }
inline std::string definition(int sequence) {
  return packet(sequence, std::string("\3def\0\0\0\1a\0\x0c\x3f\0\1\0\0\0\3\0\0\0\0\0", 23));
}
inline std::string row(int sequence, const std::string& value) {
  return packet(sequence, static_cast<char>(value.size()) + value);
}

/// One column, `rows` rows, as a server without and with CLIENT_DEPRECATE_EOF sends it.
inline std::string resultSet(int rows, unsigned status = 2, bool deprecateEof = false) {
  std::string bytes = packet(1, "\1") + definition(2) + (deprecateEof ? "" : eof(3));
  for (int i = 0; i < rows; ++i) bytes += row(4 + i, "value" + std::to_string(i));
  return bytes + (deprecateEof ? okEof(4 + rows, status) : eof(4 + rows, status));
}

}  // namespace loam::decode::testing::my
