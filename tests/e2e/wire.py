"""What passes between hosts, read from a packet socket: who opened what to which port, and every byte in both directions."""
import contextlib
import socket
import struct
import threading
import time

ETH_P_ALL, SO_RCVBUFFORCE, ROOM = 3, 33, 16 << 20
SYN, ACK = 0x02, 0x10


class Flow:
    """One TCP connection of the host: `port` is the host's own end. `opened` is when its SYN came in; None where nobody saw it."""

    def __init__(self, port):
        self.port, self.opened = port, None
        self.starts = {}  # by direction, the number of the SYN
        self.pieces = {True: [], False: []}  # by direction, inward first: (when, sequence number, bytes)

    def stream(self, inward):
        """The bytes of one direction from its start, in order and each once; up to a gap, if something was not seen."""
        start, whole = self.starts.get(inward, 0), bytearray()
        for at, piece in sorted(((number - start - 1) & 0xFFFFFFFF, piece) for _, number, piece in self.pieces[inward]):
            if at <= len(whole):
                whole += piece[len(whole) - at:]
        return bytes(whole)

    def payloads(self, since=0.0):
        return [piece for pieces in self.pieces.values() for when, _, piece in list(pieces) if when >= since]


class Wire:
    """What comes to a host from others and what it answers, from `with` on: `syns` and `bytes` by its own port, of what came in; and `flows`."""

    def __init__(self, host):
        self.bytes, self.syns, self.flows = {}, {}, {}
        with host.inside():
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, ROOM)
        self.socket.settimeout(0.2)
        self.closing = False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def opened(self, port, since=0.0):
        """The flows to a port whose SYN came in since."""
        return [flow for flow in list(self.flows.values()) if flow.port == port and flow.opened and flow.opened >= since]

    def saw(self, text, since=0.0, among=None):
        """Whether some payload held the text, to whatever port and in whatever direction."""
        return any(text in piece for flow in list(self.flows.values() if among is None else among) for piece in flow.payloads(since))

    def _run(self):
        while not self.closing:
            with contextlib.suppress(TimeoutError):
                packet, (device, _, kind, *_) = self.socket.recvfrom(65536)
                if device != "lo" and kind in (socket.PACKET_HOST, socket.PACKET_OUTGOING):
                    self._take(packet, kind == socket.PACKET_HOST)

    def _take(self, packet, inward):
        if packet[0] >> 4 == 4 and packet[9] == socket.IPPROTO_TCP:
            head, end, addresses = (packet[0] & 15) * 4, struct.unpack_from("!H", packet, 2)[0], (packet[12:16], packet[16:20])
        elif packet[0] >> 4 == 6 and packet[6] == socket.IPPROTO_TCP:
            head, end, addresses = 40, 40 + struct.unpack_from("!H", packet, 4)[0], (packet[8:24], packet[24:40])
        else:
            return
        ports, number, flags = struct.unpack_from("!HH", packet, head), struct.unpack_from("!I", packet, head + 4)[0], packet[head + 13]
        payload = packet[head + (packet[head + 12] >> 4) * 4:end]
        port = ports[inward]
        end_of_peer = addresses[not inward], ports[not inward], port
        if flags & (SYN | ACK) == SYN and inward:
            self.syns[port] = self.syns.get(port, 0) + 1
            self.flows.pop(end_of_peer, None)  # a port that is used again
        flow = self.flows.setdefault(end_of_peer, Flow(port))
        if flags & SYN:
            flow.starts[inward] = number
            flow.opened = flow.opened or (time.monotonic() if inward else None)
        if payload:
            flow.pieces[inward].append((time.monotonic(), number, payload))
            if inward:
                self.bytes.setdefault(port, []).append(payload)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closing = True
        self.thread.join(5)
        self.socket.close()


def is_tls(stream):
    """Whether the bytes are records of TLS, one behind the other; the last may be cut."""
    at = 0
    while at + 5 <= len(stream):
        kind, version, length = struct.unpack_from("!BHH", stream, at)
        if not 20 <= kind <= 24 or version not in (0x0301, 0x0303) or length > 2 ** 14 + 256:
            return False
        at += 5 + length
    return True
