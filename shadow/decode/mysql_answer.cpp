#include "shadow/decode/mysql_answer.h"

#include <optional>
#include <string_view>

#include "shadow/decode/sql_state.h"

namespace loam::decode {
namespace {

constexpr std::uint8_t kOk = 0x00;
constexpr std::uint8_t kNothing = 0x01;  // no packet that means something starts so
constexpr std::uint8_t kFile = 0xFB;
constexpr std::uint8_t kEof = 0xFE;
constexpr std::uint8_t kErr = 0xFF;
constexpr std::uint64_t kMoreResults = 0x0008;
constexpr std::uint64_t kCursorExists = 0x0040;
constexpr std::uint64_t kMostColumns = 65'535;
constexpr std::size_t kEofSize = 5;

/// A length-encoded integer at `offset`, which moves behind it.
std::optional<std::uint64_t> lengthEncoded(Bytes bytes, std::size_t& offset) {
  if (offset >= bytes.size()) return std::nullopt;
  const std::uint8_t first = bytes[offset++];
  if (first < 0xFB) return first;
  const std::size_t width = first == 0xFC ? 2 : first == 0xFD ? 3 : first == 0xFE ? 8 : 0;
  if (width == 0 || bytes.size() - offset < width) return std::nullopt;
  offset += width;
  return littleEndian(bytes, offset - width, width);
}

/// The status flags of an OK packet, also of one that starts like an EOF.
std::optional<std::uint64_t> okStatus(Bytes packet) {
  std::size_t offset = 1;
  if (!lengthEncoded(packet, offset) || !lengthEncoded(packet, offset) || packet.size() - offset < 2)
    return std::nullopt;
  return littleEndian(packet, offset, 2);
}

/// MariaDB tells how far a long statement is in packets that look like errors with this number.
bool isProgress(Bytes packet) { return packet.size() >= 3 && packet[1] == 0xFF && packet[2] == 0xFF; }

}  // namespace

MysqlShape answerShape(std::uint8_t command) {
  switch (command) {
    case 0x01:  // QUIT
    case 0x18:  // STMT_SEND_LONG_DATA
    case 0x19:  // STMT_CLOSE
      return MysqlShape::None;
    case 0x03:  // QUERY
    case 0x0A:  // PROCESS_INFO
    case 0x17:  // STMT_EXECUTE
    case 0xFA:  // MariaDB's STMT_BULK_EXECUTE
      return MysqlShape::Results;
    case 0x04:
      return MysqlShape::FieldList;
    case 0x09:  // STATISTICS
      return MysqlShape::Text;
    case 0x11:  // CHANGE_USER
      return MysqlShape::Login;
    case 0x12:  // BINLOG_DUMP
    case 0x1E:  // BINLOG_DUMP_GTID
      return MysqlShape::Stream;
    case 0x16:
      return MysqlShape::Prepared;
    case 0x1C:  // STMT_FETCH
      return MysqlShape::Rows;
    case 0x13:  // TABLE_DUMP
    case 0x20:  // CLONE
    case 0xFE:  // MariaDB's MULTI
      return MysqlShape::Unknown;
    default:
      return MysqlShape::Simple;
  }
}

std::uint16_t mysqlErrorClass(Bytes packet) {
  if (packet.size() < 9 || packet[3] != '#') return 0;
  return sqlStateClass({reinterpret_cast<const char*>(packet.data()) + 4, 5});
}

void MysqlAnswer::begin(MysqlShape shape, MysqlDialect dialect) {
  shape_ = shape;
  dialect_ = dialect;
  switch (shape) {
    case MysqlShape::Results:
      state_ = State::First;
      break;
    case MysqlShape::Prepared:
      state_ = State::Prepared;
      break;
    case MysqlShape::FieldList:
      state_ = State::FieldList;
      break;
    case MysqlShape::Rows:
      state_ = State::Rows;
      break;
    case MysqlShape::Login:
      state_ = State::Login;
      break;
    case MysqlShape::Stream:
      state_ = State::Stream;
      break;
    default:
      state_ = State::Only;
  }
}

MysqlAnswer::Step MysqlAnswer::onPacket(Bytes head, bool big) {
  const std::uint8_t first = head.empty() ? kNothing : head[0];
  if (first == kErr && !big) return isProgress(head) ? Step::More : Step::Failed;
  const bool ends = first == kEof && !big && (dialect_.deprecateEof || head.size() <= kEofSize);
  switch (state_) {
    case State::Only:
      return shape_ == MysqlShape::Text || first == kOk || first == kEof ? Step::Done : Step::Malformed;
    case State::First:
      return big ? Step::Malformed : onFirst(head);
    case State::Definitions:
      return --left_ > 0 ? Step::More : afterDefinitions();
    case State::DefinitionsEnd:
      if (first != kEof || big || head.size() != kEofSize) return Step::Malformed;
      if (littleEndian(head, 3, 2) & kCursorExists) return Step::Done;
      state_ = State::Rows;
      return Step::More;
    case State::Rows:
      return ends ? onRowsEnd(head) : Step::More;
    case State::FieldList:
      return ends ? Step::Done : Step::More;
    case State::Prepared:
      return big ? Step::Malformed : onPrepared(head);
    case State::Counted:
      return --left_ > 0 ? Step::More : Step::Done;
    case State::Login:
      return first == kOk ? Step::Done : Step::More;
    case State::Stream:
      return first == kEof && !big && head.size() <= kEofSize ? Step::Done : Step::More;
  }
  return Step::Malformed;
}

MysqlAnswer::Step MysqlAnswer::onFirst(Bytes head) {
  if (head.empty() || head[0] == kEof) return Step::Malformed;
  if (head[0] == kFile) return Step::File;
  if (head[0] == kOk) {
    const auto status = okStatus(head);
    return status ? onResultEnd(*status) : Step::Malformed;
  }
  std::size_t offset = 0;
  const auto columns = lengthEncoded(head, offset);
  if (!columns || *columns == 0 || *columns > kMostColumns) return Step::Malformed;
  left_ = static_cast<std::uint32_t>(*columns);
  state_ = State::Definitions;
  const bool bare = dialect_.optionalMetadata && offset < head.size() && head[offset] == 0;
  return bare ? afterDefinitions() : Step::More;
}

MysqlAnswer::Step MysqlAnswer::afterDefinitions() {
  state_ = dialect_.deprecateEof ? State::Rows : State::DefinitionsEnd;
  return Step::More;
}

MysqlAnswer::Step MysqlAnswer::onRowsEnd(Bytes head) {
  if (!dialect_.deprecateEof) return head.size() == kEofSize ? onResultEnd(littleEndian(head, 3, 2)) : Step::Malformed;
  const auto status = okStatus(head);
  return status ? onResultEnd(*status) : Step::Malformed;
}

MysqlAnswer::Step MysqlAnswer::onResultEnd(std::uint64_t status) {
  if ((status & kMoreResults) == 0 || shape_ != MysqlShape::Results) return Step::Done;
  state_ = State::First;
  return Step::More;
}

MysqlAnswer::Step MysqlAnswer::onPrepared(Bytes head) {
  constexpr std::size_t kSize = 12;
  if (head.size() < kSize || head[0] != kOk) return Step::Malformed;
  const bool bare = dialect_.preparesBare && head.size() > kSize && head[kSize] == 0;
  left_ = 0;
  for (const std::size_t offset : {std::size_t{5}, std::size_t{7}}) {
    const std::uint64_t definitions = littleEndian(head, offset, 2);
    if (definitions > 0) left_ += static_cast<std::uint32_t>(definitions) + (dialect_.deprecateEof ? 0 : 1);
  }
  if (left_ == 0 || bare) return Step::Done;
  state_ = State::Counted;
  return Step::More;
}

}  // namespace loam::decode
