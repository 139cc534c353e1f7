#pragma once

#include <cstdint>

#include "shadow/decode/byte_cursor.h"

namespace loam::decode {

/// What both sides agreed on, as far as it changes what an answer looks like.
struct MysqlDialect {
  bool deprecateEof = false;  ///< CLIENT_DEPRECATE_EOF: rows end with an OK packet, definitions with nothing
  bool optionalMetadata =
      false;                  ///< MySQL's CLIENT_OPTIONAL_RESULTSET_METADATA or MariaDB's MARIADB_CLIENT_CACHE_METADATA
  bool preparesBare = false;  ///< MySQL's: the answer to a PREPARE may lack its definitions too
};

/// What the answer to a command looks like.
enum class MysqlShape : std::uint8_t {
  None,       ///< the command has no answer
  Simple,     ///< one OK, EOF or ERR
  Text,       ///< one packet of text
  Results,    ///< OK, ERR or result sets, any number of them
  Prepared,   ///< a statement and the definitions of its parameters and columns
  FieldList,  ///< definitions until EOF
  Rows,       ///< rows until EOF
  Login,      ///< an authentication until OK or ERR
  Stream,     ///< events until EOF or ERR
  Unknown,    ///< a command whose answer nobody can tell
};
MysqlShape answerShape(std::uint8_t command);

/// An ERR packet's SQLSTATE class; 0 when it has none.
std::uint16_t mysqlErrorClass(Bytes packet);

/// Finds the end of one answer, packet by packet. 12 bytes, no allocation.
class MysqlAnswer {
 public:
  enum class Step : std::uint8_t {
    More,
    Done,
    Failed,  ///< an ERR packet ended it
    File,    ///< more, once the client has sent a file
    Malformed,
  };

  void begin(MysqlShape shape, MysqlDialect dialect);
  /// `head` is the beginning of a packet, kHead bytes where it has as many; `big` says that it took several frames.
  Step onPacket(Bytes head, bool big);

  static constexpr std::size_t kHead = 24;

 private:
  enum class State : std::uint8_t {
    Only,
    First,
    Definitions,
    DefinitionsEnd,
    Rows,
    FieldList,
    Prepared,
    Counted,
    Login,
    Stream
  };

  Step onFirst(Bytes head);
  Step onPrepared(Bytes head);
  Step onRowsEnd(Bytes head);
  Step onResultEnd(std::uint64_t status);
  Step afterDefinitions();

  std::uint32_t left_ = 0;
  State state_ = State::Only;
  MysqlShape shape_ = MysqlShape::Simple;
  MysqlDialect dialect_;
};

}  // namespace loam::decode
