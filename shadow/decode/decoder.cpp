#include "shadow/decode/decoder.h"

namespace loam::decode {

std::string_view name(Protocol protocol) {
  switch (protocol) {
    case Protocol::Unknown:
      return "unknown";
    case Protocol::Tcp:
      return "tcp";
    case Protocol::Http1:
      return "http1";
    case Protocol::Http2:
      return "http2";
    case Protocol::Grpc:
      return "grpc";
    case Protocol::WebSocket:
      return "websocket";
    case Protocol::Tls:
      return "tls";
    case Protocol::Postgres:
      return "postgres";
    case Protocol::Mysql:
      return "mysql";
    case Protocol::Redis:
      return "redis";
    case Protocol::Ssh:
      return "ssh";
    case Protocol::Smtp:
      return "smtp";
    case Protocol::Ldap:
      return "ldap";
    case Protocol::Kafka:
      return "kafka";
    case Protocol::Amqp:
      return "amqp";
    case Protocol::Mongodb:
      return "mongodb";
  }
  return "unknown";
}

std::string_view name(LossReason reason) {
  switch (reason) {
    case LossReason::Malformed:
      return "malformed";
    case LossReason::TooLong:
      return "too_long";
    case LossReason::Ambiguous:
      return "ambiguous";
    case LossReason::OutOfStep:
      return "out_of_step";
    case LossReason::BufferFull:
      return "buffer_full";
  }
  return "malformed";
}

}  // namespace loam::decode
