"""A gRPC service over h2c: `greeter.py PORT`. /demo.Greeter/Hello echoes its message; /demo.Greeter/Broken answers grpc-status 13."""
import socketserver
import sys

import h2.config
import h2.connection
import h2.events
from named import DualStackServer, take_name


class Handler(socketserver.BaseRequestHandler):
    def setup(self):
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        self.calls = {}

    def handle(self):
        self.h2.initiate_connection()
        self.request.sendall(self.h2.data_to_send())
        while data := self.request.recv(65536):
            for event in self.h2.receive_data(data):
                self.react(event)
            self.request.sendall(self.h2.data_to_send())

    def react(self, event):
        if isinstance(event, h2.events.RequestReceived):
            self.calls[event.stream_id] = (dict(event.headers)[b":path"], bytearray())
        elif isinstance(event, h2.events.DataReceived):
            self.calls[event.stream_id][1].extend(event.data)
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            self.answer(event.stream_id, *self.calls.pop(event.stream_id))

    def answer(self, stream, path, message):
        self.h2.send_headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
        broken = path.endswith(b"/Broken")
        if not broken:
            self.h2.send_data(stream, bytes(message))
        self.h2.send_headers(stream, [("grpc-status", "13" if broken else "0")], end_stream=True)


if __name__ == "__main__":
    take_name("greeter")
    DualStackServer(int(sys.argv[1]), Handler).serve_forever()
