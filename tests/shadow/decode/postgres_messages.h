#pragma once

#include <cstdint>
#include <string>

namespace loam::decode::testing::pg {

inline std::string be32(std::uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}

/// A message with a type byte.
inline std::string message(char type, const std::string& payload = {}) {
  return type + be32(static_cast<std::uint32_t>(payload.size() + 4)) + payload;
}

inline std::string untyped(std::uint32_t code, const std::string& rest = {}) {
  return be32(static_cast<std::uint32_t>(rest.size() + 8)) + be32(code) + rest;
}

inline std::string startup() { return untyped(196608, std::string("user\0ann\0database\0shop\0\0", 24)); }
inline std::string sslRequest() { return untyped(80877103); }
inline std::string gssRequest() { return untyped(80877104); }
inline std::string cancelRequest() { return untyped(80877102, "12345678"); }

inline std::string query(const std::string& sql) { return message('Q', sql + '\0'); }
inline std::string parse() { return message('P', std::string("\0select $1\0\0\0", 13)); }
inline std::string bind() { return message('B', std::string("\0\0\0\0\0\0\0\0", 8)); }
inline std::string describe() { return message('D', std::string("P\0", 2)); }
inline std::string execute() { return message('E', std::string("\0\0\0\0\0", 5)); }
inline std::string sync() { return message('S'); }
inline std::string flush() { return message('H'); }

inline std::string ready(char state = 'I') { return message('Z', std::string(1, state)); }
inline std::string done(const std::string& tag = "SELECT 1") { return message('C', tag + '\0'); }
inline std::string row(const std::string& value) {
  return message('D', std::string("\0\1", 2) + be32(static_cast<std::uint32_t>(value.size())) + value);
}
inline std::string error(const std::string& state, const std::string& severity = "ERROR") {
  return message('E',
                 "S" + severity + '\0' + "V" + severity + '\0' + "C" + state + '\0' + "Mno such thing" + '\0' + '\0');
}
inline std::string notice() { return message('N', std::string("SNOTICE\0C00000\0Mhm\0\0", 20)); }

/// AuthenticationOk, two parameters, the key and the first ReadyForQuery.
inline std::string welcome() {
  return message('R', be32(0)) + message('S', std::string("server_version\00015\0", 18)) +
         message('S', std::string("TimeZone\0UTC\0", 13)) + message('K', "12345678") + ready();
}

}  // namespace loam::decode::testing::pg
